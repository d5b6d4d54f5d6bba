--- What a program of the fault benchmark would have left of its training: a Keras history.json with
-- the columns that its own `fit` reports, nothing else. A program whose loss became NaN goes on to
-- its last epoch, as Keras does.
local bench_loop = require "bench_loop"
local evaluate = require "lossdbg.train.evaluate"
local files = require "bench_files"
local json = require "lossdbg.support.json"

local M = {}

-- Rates are ours; Keras keeps the loss and what was asked for.
local function names_of(case)
  local named = { loss = true, val_loss = true }
  for _, metric in ipairs(case.metrics or {}) do
    local name = type(metric) == "table" and metric.name or metric
    named[name], named["val_" .. name] = true, true
  end
  return named
end

-- Whole epochs alone: a benchmark may end a training within one, `fit` of Keras does not.
local function epochs_of(case, rows)
  local steps = math.ceil(rows / case.batch_size)
  local most = case.max_steps and case.max_steps // steps or case.epochs
  return math.max(1, math.min(case.epochs, most))
end

-- Ours stops at the first NaN; the rest of the epochs are NaN.
local function filled(list, epochs, stopped)
  local out = table.move(list, 1, math.min(#list, epochs), 1, {})
  for i = #out + 1, stopped and epochs or #out do out[i] = 0 / 0 end
  return json.array(out)
end

local function of_fit(ld, case, dir)
  local experiment = ld.interop.keras.experiment(case, dir, { seed = 0 })
  local run = experiment:fit { verbose = 0, telemetry = false }
  local epochs = epochs_of(case, experiment.train.x.shape[1])
  local history, named = {}, names_of(case)
  for name, list in pairs(run.history) do
    if named[name] and #list > 0 then
      history[name] = filled(list, epochs, run.stopped == "nonfinite_loss")
    end
  end
  return history
end

-- A loop of its own keeps means of its step losses, and the metric at the end of each epoch.
local function of_loop(ld, case, dir)
  local history, sum, count, rows_seen = { loss = json.array {} }, 0, 0, 0
  bench_loop.train(case, dir, { seed = 0, after = function(epoch, loss, rows, model, experiment)
    sum, count, rows_seen = sum + loss * rows, count + rows, rows_seen + rows
    local whole = rows_seen >= experiment.train.x.shape[1]
    if not whole and loss == loss and math.abs(loss) < math.huge then return end
    local judge = experiment:judge(model)
    local ok, _, values = pcall(evaluate.rows, model, experiment:prepared().train, judge, 4096)
    for name, value in pairs(ok and values or {}) do
      history[name] = history[name] or json.array {}
      history[name][epoch] = value
    end
    history.loss[epoch] = sum / count
    sum, count, rows_seen = 0, 0, 0
  end })
  return history
end

---@param dir string of the benchmark
---@param id string
---@return table history
function M.of(dir, id)
  local ld = require "lossdbg"
  local case = assert(files.json(("%s/cases/%s.json"):format(dir, id)))
  return (bench_loop.wanted(case) and of_loop or of_fit)(ld, case, dir .. "/cases")
end

---@param dir string
---@param id string
---@param path string of the history.json to write
function M.write(dir, id, path)
  local text = json.encode(M.of(dir, id), { nonfinite = "bare" })
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text, "\n"))
end

return M
