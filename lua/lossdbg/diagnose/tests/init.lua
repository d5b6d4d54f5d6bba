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

-- Tests that the budget allows, in order.
local function affordable(experiment, budget)
  local list, missing, spent = {}, {}, 0
  for _, test in ipairs(M.all()) do
    local cost = work_of(test, experiment)
    if spent + cost > budget then
      missing[#missing + 1] = { test = test.id, why = "the budget does not allow it" }
    else
      spent = spent + cost
      list[#list + 1] = test
    end
  end
  return list, missing, spent
end

--- What a pool is asked for: the result and the reason, as a list.
---@param name string
---@param fn fun(experiment: lossdbg.Experiment, run: lossdbg.Run): table?, string?
---@param experiment lossdbg.Experiment
---@param run lossdbg.Run
---@return table task of a pool
function M.task(name, fn, experiment, run)
  return { "test, " .. name, function() return { fn(experiment, run) } end }
end

--- Tasks of the tests that a budget allows.
---@param experiment lossdbg.Experiment
---@param run lossdbg.Run
---@param budget number nominal seconds of work
---@return table[] tasks of a pool
function M.tasks(experiment, run, budget)
  local tasks = {}
  for i, test in ipairs(affordable(experiment, budget)) do
    tasks[i] = M.task(test.id, test.run, experiment, run)
  end
  return tasks
end

--- Works at a task, in a worker where there is a pool.
---@param pool lossdbg.Workers?
---@param task table
---@param ahead? table[] tasks that come next
---@return table? result
---@return string? reason
function M.work(pool, task, ahead)
  local ok, answer
  if pool then
    ok, answer = attempt.call(pool.call, pool, task[1], task[2], function() return ahead or {} end)
  else
    ok, answer = attempt.call(task[2])
  end
  if ok and answer[1] then return answer[1] end
  return nil, tostring(not ok and answer or answer[2])
end

--- Runs the tests that the budget allows, in order. A test that raises is reported, not fatal:
-- what a user's own layer or loss does on a changed batch is not ours to know.
---@param experiment lossdbg.Experiment
---@param run lossdbg.Run
---@param o { budget: number, pool: lossdbg.Workers? } nominal seconds of work
---@return table<string, table> results by id
---@return { test: string, why: string }[] missing
---@return number spent nominal seconds
function M.run(experiment, run, o)
  local list, missing, spent = affordable(experiment, o.budget)
  local tasks, results = M.tasks(experiment, run, o.budget), {}
  for i, test in ipairs(list) do
    local result, why = M.work(o.pool, tasks[i], tasks)
    results[test.id] = result
    if not result then missing[#missing + 1] = { test = test.id, why = why } end
  end
  return results, missing, spent
end

return M
