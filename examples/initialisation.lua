-- Initialisation: the same network from seven different starts.
--
-- What you should see: with zeros or one constant all units of a layer stay equal, so that 32 of
-- them are worth one; with weights that are too large the first loss is enormous; He and Xavier
-- (Glorot) start near ln 10 = 2.303 and learn. The diagnosis names the faulty starts.
--
-- expected: zeros named: yes, constant named: yes, too large named: yes, He test accuracy 0%.9%d+

local ld = require "lossdbg"
local nn = ld.nn

local here = arg and arg[0]:match "^(.*/)" or "examples/"
local digits = assert(ld.data.idx(here .. "data/digits/digits-images-idx3-ubyte",
  here .. "data/digits/digits-labels-idx1-ubyte"))
local train, test = digits:map(function(x) return x / 16 end):split(0.8, { seed = 1 })

local experiment = ld.experiment {
  train = train, val = test,
  model = nn.sequential {
    nn.flatten(), nn.dense { 32, "relu" }, nn.dense { 32, "relu" }, nn.dense { 10, "softmax" },
  },
  loss = "sparse_crossentropy", optimizer = ld.optim.sgd { lr = 0.1 },
  batch = 32, epochs = 10, seed = 1,
}

local starts = {
  zeros = "zeros",
  constant = { "constant", 0.1 },
  ["too small"] = { "random_normal", std = 1e-3 },
  ["too large"] = { "random_normal", std = 2 },
  he = "he_normal", xavier = "glorot_uniform", orthogonal = "orthogonal",
}
local order = { "zeros", "constant", "too small", "too large", "he", "xavier", "orthogonal" }

print "start        first loss   last loss   test accuracy   first cause"
local causes, accuracy = {}, {}
for _, name in ipairs(order) do
  local one = experiment:with { init = starts[name] }
  local run = one:fit { verbose = 0 }
  local first = one:diagnose({ run = run, trials = false })[1]
  causes[name] = first and first.severity ~= "info" and first.rule or "none"
  accuracy[name] = run:last "val_accuracy"
  print(("%-11s %11.4g %11.4f %15.3f   %s"):format(name, run.steps.loss[1], run:last "loss",
    accuracy[name], causes[name]))
end

print "\nZeros in detail:"
print(experiment:with { init = "zeros" }:diagnose { budget = 2, seeds = 3 })

local function yes(condition) return condition and "yes" or "no" end
print(("zeros named: %s, constant named: %s, too large named: %s, He test accuracy %.3f"):format(
  yes(causes.zeros == "symmetric_init"), yes(causes.constant == "symmetric_init"),
  yes(causes["too large"]:find "^init_"), accuracy.he))
