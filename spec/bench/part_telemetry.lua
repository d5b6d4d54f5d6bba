--- What telemetry costs in fit: steps with it over steps without, in turns, W2 to W7.
-- Timed from the end of the third epoch on: by then every step is replayed, and what fit does once
-- is left out.
local clock = require("lossdbg.core").clock
local ld = require "lossdbg"
local measure = require "lossdbg.cli.bench.measure"

local M = {}

local batches = { W2 = 60, W3 = 3, W4 = 6, W5 = 3, W6 = 2, W7 = 40 }

-- n copies of a batch, one behind the other.
local function repeated(t, n)
  local shape = t.shape
  local wide = t:unsqueeze(1):expand { n, table.unpack(shape) }
  shape[1] = n * shape[1]
  return wide:contiguous():reshape(shape)
end

local function data_of(chosen)
  ld.seed(1)
  local x, y = chosen.inputs(ld)
  local n = batches[chosen.id]
  return ld.data.arrays { repeated(x, n), repeated(y, n) }
end

local function experiment_of(chosen, data)
  local optimizer = { flavor = "torch" }
  for key, value in pairs(chosen.optimizer) do
    if key ~= "kind" then optimizer[key] = value end
  end
  return ld.experiment {
    train = data, model = (chosen.model(ld.nn)), epochs = 6, batch = chosen.batch, seed = 1,
    loss = ld.loss[chosen.loss.name](chosen.loss.options),
    optimizer = ld.optim[chosen.optimizer.kind](optimizer),
  }
end

-- Seconds a step.
local function fit(experiment, telemetry, n)
  local ends = {}
  experiment:fit { verbose = 0, telemetry = telemetry, callbacks = {
    { on_epoch_end = function() ends[#ends + 1] = clock() end },
  } }
  return (ends[6] - ends[3]) / (3 * n)
end

function M.run(options, say)
  local out = {}
  if ld.threads then ld.threads(1) end
  for _, chosen in ipairs(options.workloads) do
    local n = batches[chosen.id]
    if n then
      local experiment, ratios, plain = experiment_of(chosen, data_of(chosen)), {}, {}
      for r = 0, options.repeats do -- the first pair warms up
        local first = r % 2 == 0
        local a = fit(experiment, first, n)
        local b = fit(experiment, not first, n)
        if not first then a, b = b, a end
        if r > 0 then ratios[r], plain[r] = a / b, b * 1e6 end
      end
      local spread = measure.spread(ratios)
      out[#out + 1] = { name = "step with over without", workload = chosen.id, threads = 1,
        value = spread.median, min = spread.min, max = spread.max, unit = "", limit = 1.03 }
      local step = measure.spread(plain)
      out[#out + 1] = { name = "step of fit without telemetry", workload = chosen.id, threads = 1,
        value = step.median, min = step.min, max = step.max, unit = "us" }
      say("telemetry %s: %.3f (%.3f .. %.3f) of %.0f us", chosen.id, spread.median, spread.min,
        spread.max, step.median)
    end
  end
  return out
end

return M
