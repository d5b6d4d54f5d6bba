-- NaN: where does it come from?
--
-- What you should see: the weekly CO2 record has gaps. As inputs they make the first loss NaN, and
-- the diagnosis names the column and the row; dropping the rows with gaps repairs it. Then clean
-- data and a layer that takes the logarithm of values that may be zero: the diagnosis names the
-- first op that made a value that is not finite, its layer, and the line of this file.
--
-- expected: gaps named: yes, op log in lambda_1 at examples/nan%.lua:%d+

local ld = require "lossdbg"
local nn = ld.nn

local here = arg and arg[0]:match "^(.*/)" or "examples/"
local weekly = assert(ld.data.csv(here .. "data/co2_weekly.csv", { columns = { "co2_ppm" } }))
print(weekly:describe())

-- Eight weeks predict the ninth.
local lags = ld.data.lags(weekly.x, 8)
local experiment = ld.experiment {
  train = lags:map(function(x, y) return (x - 340) / 20, (y - 340) / 20 end),
  model = nn.sequential { nn.dense { 16, "relu" }, nn.dense { 1 } },
  loss = "mse", optimizer = ld.optim.sgd { lr = 0.01 }, batch = 32, epochs = 10, seed = 1,
}
local run = experiment:fit { verbose = 0 }
print(run)
local gaps = experiment:diagnose { run = run, budget = 2 }
print(gaps)

local repaired = experiment:with { data = "drop_nonfinite" }:fit { verbose = 0 }
print(("\nwithout the gaps: %d steps, loss %.4f"):format(repaired.n_steps, repaired:last "loss"))

-- log(0) = -inf, and -inf * 0 = NaN one op later: the last number is not where it began.
local wine = assert(ld.data.csv(here .. "data/wine.csv", { label = "label" }))
local function log_of_relu(x)
  return x:relu():log()
end
local broken = ld.experiment {
  train = wine,
  model = nn.sequential {
    nn.normalization { adapt = true }, nn.lambda(log_of_relu), nn.dense { 3, "softmax" },
  },
  loss = "sparse_crossentropy", optimizer = ld.optim.sgd { lr = 0.1 }, epochs = 5, seed = 1,
}
local diagnosis = broken:diagnose { budget = 2 }
print(diagnosis)

local first = diagnosis.signals.nonfinite
print(("gaps named: %s, op %s in %s at %s"):format(
  gaps[1].rule == "nan_in_data" and "yes" or "no", first.op, first.layer, first.line))
