--- Training alone, as each case is written, against what an independent trainer saw (check.json).
local evaluate = require "lossdbg.train.evaluate"
local files = require "bench_files"
local json = require "lossdbg.support.json"

local M = {}

local default_seeds = 3

-- Mean loss on the data and metric of a model on rows, in evaluation mode.
local function judged(experiment, model, part)
  local rows, judge = experiment:prepared()[part], experiment:judge(model)
  judge.loss = judge.loss:with { reduction = "mean" }
  local _, values, loss = evaluate.rows(model, rows, judge, 4096)
  local name, value = next(values)
  return loss, value, name
end

-- Share of the commonest answer: what accuracy is worth without learning.
local function majority(y)
  if y.rank > 1 and y.shape[#y.shape] > 1 then y = y:argmax(-1) end
  local list, counts, most = y:reshape({ y.numel }):totable(), {}, 0
  for _, value in ipairs(list) do
    counts[value] = (counts[value] or 0) + 1
    most = math.max(most, counts[value])
  end
  return most / #list
end

local function skill(name, value, y)
  if not value then return nil end
  if name == "r2" then return value end
  local base = majority(y)
  return (value - base) / (1 - base)
end

local function one_run(ld, case, folder, seed)
  local experiment = ld.interop.keras.experiment(case, folder, { seed = seed })
  local train, val = experiment.train, experiment.val
  local initial = judged(experiment, experiment:build(), "train")
  local nan_step
  local run = experiment:fit { verbose = 0, telemetry = false }
  if run.stopped == "nonfinite_loss" then nan_step = run.n_steps end
  local final, metric, name = judged(experiment, run.model, "train")
  local result = { seed = seed, steps = run.n_steps, initial = initial, final = final,
    metric = metric, skill = skill(name, metric, train.y), nan_step = nan_step,
    lowest = math.min(table.unpack(run.history.loss, 1, math.min(200, #run.history.loss))) }
  local p = experiment:prepared()
  result.baseline = p.baseline and p.baseline.loss
  if val then
    result.val_loss, metric = judged(experiment, run.model, "val")
    result.val_skill = skill(name, metric, val.y)
  end
  return result
end

---@param dir string
---@param id string
---@param o { seeds: integer? }
---@return table result
function M.case(dir, id, o)
  local started = os.clock()
  local result = { id = id, causes = json.array(), runs = json.array() }
  local case, why = files.json(("%s/cases/%s.json"):format(dir, id))
  if case == nil then
    result.error = why
    return result
  end
  local ok, message = pcall(function()
    local ld = require "lossdbg"
    for i = 1, math.tointeger(o.seeds or default_seeds) do
      result.runs[i] = one_run(ld, case, dir .. "/cases", i - 1)
    end
  end)
  if not ok then result.error = tostring(message) end
  result.seconds = os.clock() - started
  return result
end

M.report = function(results, dir)
  return require("bench_reference").text(results, files.need_json(dir .. "/check.json"))
end

return M
