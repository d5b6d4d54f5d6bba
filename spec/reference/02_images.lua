-- A convolutional network in the manner of LeNet on 28 x 28 images, from 5000 and 4000 of them.
package.path = "./?.lua;" .. package.path
local ld = require "lossdbg"
local judge = require "spec.reference.judge"
local nn = ld.nn

local function part(folder, name)
  local images = judge.path(("%s/%s-images-idx3-ubyte"):format(folder, name), true)
  local labels = judge.path(("%s/%s-labels-idx1-ubyte"):format(folder, name), true)
  if not images or not labels then return nil end
  return assert(ld.data.idx(images, labels)):map(function(x)
    return x:reshape { #x, 28, 28, 1 } / 255
  end)
end

local function lenet(folder)
  return function()
    local train, test = part(folder, "train"), part(folder, "t10k")
    if not train or not test then return nil, folder .. "/" end
    local epochs, batch = 25, 50
    local run = ld.experiment {
      train = train, val = test, seed = 1, epochs = epochs, batch = batch, verbose = 0,
      model = nn.sequential {
        nn.conv2d { 16, 5, "relu", padding = "same" }, nn.max_pool2d(2),
        nn.conv2d { 32, 5, "relu" }, nn.max_pool2d(2),
        nn.flatten(), nn.dropout(0.4), nn.dense { 128, "relu" }, nn.dropout(0.4), nn.dense(10),
      },
      loss = ld.loss.sparse_crossentropy { from_logits = true },
      optimizer = ld.optim.adam {
        lr = ld.schedule.cosine { 2e-3, steps = epochs * #train // batch },
      },
    }:fit()
    return { ["test accuracy"] = run:last "val_accuracy" }
  end
end

judge.case("mnist, LeNet", { { "test accuracy", ">=", 0.965 } }, lenet "mnist")
judge.case("fashion, LeNet", { { "test accuracy", ">=", 0.86 } }, lenet "fashion")
judge.close()
