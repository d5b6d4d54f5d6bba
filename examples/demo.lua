-- A loss that stays constant, its cause, and a fix that was tried.
--
-- What you should see: wine.csv as it is (proline reaches 1680, hue stays under 2) goes through
-- one ReLU layer with SGD at 0.1. The loss is constant at 1.088, the entropy of the class
-- frequencies. The diagnosis names the unscaled inputs as the cause and the dead ReLU units as
-- their consequence, tries the fixes beside a placebo, and the fixed run ends under 0.03 with
-- nearly every test wine right.
--
-- expected: fixed: loss %d%.%d+ %-> 0%.0[012]%d*, test accuracy [01]%.[09]%d*

local ld = require "lossdbg"
local nn = ld.nn

local here = arg and arg[0]:match "^(.*/)" or "examples/"
local wine = assert(ld.data.csv(here .. "data/wine.csv", { label = "label" }))
local train, test = wine:every(5) -- every fifth row is kept for the test

local experiment = ld.experiment {
  train = train, val = test,
  model = nn.sequential {
    nn.dense { 32, "relu", init = "he_normal" },
    nn.dense { 3, "softmax", init = "he_normal" },
  },
  loss = "sparse_crossentropy", optimizer = ld.optim.sgd { lr = 0.1 },
  batch = 32, epochs = 30, seed = 1, name = "wine as it is",
}

local run = experiment:fit { verbose = 0 }
print(run)
print(run:plot { "loss", "val_loss" })

print "\nWhy? The rules read what was measured, then the fixes are tried:\n"
local diagnosis = experiment:diagnose { run = run }
print(diagnosis)

local fix = assert(diagnosis:verified_fix(), "no fix was verified")
local fixed = experiment:with { fix, { name = "wine, " .. fix.text } }:fit { verbose = 0 }
print ""
print(fixed)
print(fixed:plot { "loss", "val_loss" })

print(("fixed: loss %.3f -> %.4f, test accuracy %.3f"):format(
  run:last "loss", fixed:last "loss", fixed:last "val_accuracy"))
