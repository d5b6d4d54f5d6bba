-- The learning rate: too low, right, too high, and what to do about it.
--
-- What you should see: on the scaled wine data the rates 1e-5 and 1e-3 hardly move, 0.1 arrives,
-- and 100 destroys the network. The diagnosis names both faults. A range test draws the loss over
-- the rate and suggests one. Then schedules that lower the rate while training, and Adam and
-- RMSprop, which want smaller rates than SGD.
--
-- expected: too low named: yes, too high named: yes, suggested lr 0?%.?%d+

local ld = require "lossdbg"
local nn = ld.nn

local here = arg and arg[0]:match "^(.*/)" or "examples/"
local train, test = assert(ld.data.csv(here .. "data/wine.csv", { label = "label" })):every(5)

local experiment = ld.experiment {
  train = train, val = test,
  model = nn.sequential {
    nn.normalization { adapt = true }, nn.dense { 32, "relu" }, nn.dense { 3, "softmax" },
  },
  loss = "sparse_crossentropy", optimizer = ld.optim.sgd { lr = 0.1 },
  batch = 32, epochs = 30, seed = 1,
}

print "SGD with five rates:"
local grid = experiment:vary("lr", { 1e-5, 1e-3, 0.1, 1, 100 }):fit()
print(grid)
print(ld.lr_find(experiment))

-- Is the first cause the learning rate, and what helped?
local function ask(lr)
  local diagnosis = experiment:with { optimizer = { lr = lr } }:diagnose { budget = 2 }
  print(("\nlr %g: %s"):format(lr, diagnosis.verdict))
  local fix = diagnosis:verified_fix()
  print("  verified fix: " .. (fix and fix.text or "none"))
  return diagnosis[1] and diagnosis[1].family == "learning_rate"
end
local low, high = ask(1e-5), ask(100)

local steps = 30 * math.ceil(#train / 32)
print "\nSchedules from lr 1, over the whole training:"
for _, schedule in ipairs {
  ld.schedule.constant { 1 },
  ld.schedule.step { 1, steps // 3, rate = 0.1 },
  ld.schedule.exponential { 1, steps, rate = 0.01 },
  ld.schedule.cosine { 1, steps, warmup_steps = 15 },
  ld.schedule.one_cycle { 1, steps },
} do
  local run = experiment:with { optimizer = { lr = schedule } }:fit { verbose = 0 }
  print(("  %-12s val_loss %.4f  last lr %.2g"):format(schedule.name, run:last "val_loss",
    run:last "lr"))
end

print "\nOptimisers, each with its usual rate:"
for _, case in ipairs {
  { "sgd", ld.optim.sgd { lr = 0.1 } },
  { "sgd with momentum", ld.optim.sgd { lr = 0.1, momentum = 0.9 } },
  { "rmsprop", ld.optim.rmsprop { lr = 0.01 } },
  { "adam", ld.optim.adam { lr = 0.01 } },
} do
  local run = experiment:with { optimizer = case[2] }:fit { verbose = 0 }
  print(("  %-18s loss %.4f  val_loss %.4f"):format(case[1], run:last "loss", run:last "val_loss"))
end

print(("too low named: %s, too high named: %s, suggested lr %.2g"):format(low and "yes" or "no",
  high and "yes" or "no", ld.lr_find(experiment).suggestion))
