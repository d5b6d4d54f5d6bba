--- W4: the convolutional network of the digit tutorials, channels last.
local workload = require "lossdbg.cli.bench.workload"

return {
  id = "W4", title = "CNN 28x28, conv 32 and 64, dense 128, batch 64, Adam", batch = 64,
  optimizer = { kind = "adam", lr = 1e-3 },
  loss = { name = "sparse_crossentropy", options = { from_logits = true } }, tolerance = 2e-2,
  inputs = function(ld) return ld.randn { 64, 28, 28, 1 }, workload.classes(ld, { 64 }, 10) end,
  model = function(nn)
    return nn.sequential {
      nn.conv2d { 32, 3, "relu" }, nn.max_pool2d(2), nn.conv2d { 64, 3, "relu" }, nn.max_pool2d(2),
      nn.flatten(), nn.dense { 128, "relu" }, nn.dense(10),
    }, { 28, 28, 1 }
  end,
  -- Convolutions as products of all windows of the batch.
  products = {
    { 0, 0, 43264, 32, 9, 1 }, { 1, 0, 9, 32, 43264, 1 },
    { 0, 0, 7744, 64, 288, 1 }, { 0, 1, 7744, 288, 64, 1 }, { 1, 0, 288, 64, 7744, 1 },
    { 0, 0, 64, 128, 1600, 1 }, { 0, 1, 64, 1600, 128, 1 }, { 1, 0, 1600, 128, 64, 1 },
    { 0, 0, 64, 10, 128, 1 }, { 0, 1, 64, 128, 10, 1 }, { 1, 0, 128, 10, 64, 1 },
  },
}
