--- Side runs: small experiments beside the diagnosed one that answer what its signals cannot.
-- Each test is a file with `id`, `what` and `run(experiment, run) -> table | nil, reason`; the
-- table becomes signals.tests[id]. Tests train copies only.

local attempt = require "lossdbg.support.attempt"
local work = require "lossdbg.experiment.trial.trial_work"
local M = {}

-- Cheap ones first: a time budget may end the list early.
local names = { "row_leak", "gradient_path", "overfit_batch", "line", "gradcheck", "lr_range",
  "data_independence" }

--- All tests in order.
---@return { id: string, what: string, run: function }[]
function M.all()
  local list = {}
  for i, name in ipairs(names) do list[i] = require("lossdbg.diagnose.tests." .. name) end
  return list
end

-- What a test trains, roughly, as a description that work can be counted from.
local sizes = {
  overfit_batch = { steps = 1000, batch = 16 }, gradcheck = { steps = 100, batch = 8 },
  line = { steps = 400 }, lr_range = { steps = 80 },
}

local function work_of(test, experiment)
  local d, size = experiment:description(), sizes[test.id] or {}
  local steps = size.steps or work.steps(d)
  if test.id == "line" then steps = math.min(steps, 2 * work.steps(d)) end
  return work.of { layers = d.layers, n_train = d.n_train, batch = size.batch or d.batch,
    epochs = steps, steps_per_epoch = 1 }
end

--- Runs the tests that the budget allows, in order. A test that raises is reported, not fatal:
-- what a user's own layer or loss does on a changed batch is not ours to know.
---@param experiment lossdbg.Experiment
---@param run lossdbg.Run
---@param o { budget: number } nominal seconds of work
---@return table<string, table> results by id
---@return { test: string, why: string }[] missing
---@return number spent nominal seconds
function M.run(experiment, run, o)
  local results, missing, spent = {}, {}, 0
  for _, test in ipairs(M.all()) do
    local cost = work_of(test, experiment)
    if spent + cost > o.budget then
      missing[#missing + 1] = { test = test.id, why = "the budget does not allow it" }
    else
      spent = spent + cost
      local ok, result, why = attempt.call(test.run, experiment, run)
      if ok and result then
        results[test.id] = result
      else
        missing[#missing + 1] = { test = test.id, why = tostring(ok and why or result) }
      end
    end
  end
  return results, missing, spent
end

return M
