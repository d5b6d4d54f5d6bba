-- Capacity: a network that is too simple, one that is too complex, and what holds the second back.
--
-- What you should see: one hidden unit cannot part two concentric rings; the loss stops half way,
-- the diagnosis asks for more units, and sixteen do it. Then 200 small pictures of clothes: a
-- network with 55 000 weights learns all of them by heart, the training loss goes to zero and the
-- validation loss turns upwards; the diagnosis says since when. Early stopping, dropout, L1 and L2
-- each end with a lower validation loss.
--
-- expected: too simple named: yes, overfitting named: yes, helped: 4 of 4

local ld = require "lossdbg"
local nn = ld.nn

local function has(diagnosis, rule)
  for _, finding in ipairs(diagnosis) do
    if finding.rule == rule then return true end
  end
  return false
end

-- Points on two rings: radius 1 is class 0, radius 2 class 1.
local points, ids = {}, {}
for i = 1, 400 do
  local radius, angle = 1 + i % 2, i * 0.1
  points[i], ids[i] = { radius * math.cos(angle), radius * math.sin(angle) }, i % 2
end
local rings = ld.experiment {
  train = ld.data.arrays { points, ids },
  model = nn.sequential { nn.dense { 1, "relu" }, nn.dense { 2, "softmax" } },
  loss = "sparse_crossentropy", optimizer = ld.optim.adam { lr = 0.03 },
  batch = 32, epochs = 100, seed = 1,
}
local simple = rings:diagnose { budget = 4, seeds = 3 }
print(simple)
print(rings:vary("units", { 1, 2, 4, 16 }):fit())

local here = arg and arg[0]:match "^(.*/)" or "examples/"
local clothes = assert(ld.data.idx(here .. "data/fashion/train-images-idx3-ubyte",
  here .. "data/fashion/train-labels-idx1-ubyte"))
local train, rest = clothes:split(200, { seed = 1, stratify = true })
local val = rest:split(400, { seed = 1 })

local function network(penalty, dropout)
  return nn.sequential {
    nn.flatten(), nn.rescale { 1 / 255 },
    nn.dense { 64, "relu", kernel_regularizer = penalty }, nn.dropout { dropout or 0 },
    nn.dense { 64, "relu", kernel_regularizer = penalty }, nn.dropout { dropout or 0 },
    nn.dense { 10, "softmax" },
  }
end
local complex = ld.experiment {
  train = train, val = val, model = network(), loss = "sparse_crossentropy",
  optimizer = ld.optim.adam { lr = 1e-3 }, batch = 16, epochs = 40, seed = 1,
}
local run = complex:fit { verbose = 0 }
print(run:plot { "loss", "val_loss" })
local over = complex:diagnose { run = run, tests = false, trials = false }
print(over)

-- The reported val_loss contains the penalties, as in Keras; here the loss of the data is compared.
local function loss_of(model)
  return ld.loss.sparse_crossentropy()(model:predict(val.x), val.y):item()
end
local before, helped = loss_of(run.model), 0
print(("\n%-16s %.3f"):format("as it is", before))
for _, cure in ipairs {
  { "early stopping", { early_stopping = { patience = 3, restore_best = true } } },
  { "dropout 0.5", { model = network(nil, 0.5) } },
  { "L1 0.001", { model = network { l1 = 1e-3 } } },
  { "L2 0.01", { model = network { l2 = 1e-2 } } },
} do
  local cured = complex:with(cure[2]):fit { verbose = 0 }
  local after = loss_of(cured.model)
  if after < before then helped = helped + 1 end
  print(("%-16s %.3f after %d epochs"):format(cure[1], after, cured.n_epochs))
end
print(("too simple named: %s, overfitting named: %s, helped: %d of 4"):format(
  has(simple, "model_too_simple") and "yes" or "no", has(over, "overfitting") and "yes" or "no",
  helped))
