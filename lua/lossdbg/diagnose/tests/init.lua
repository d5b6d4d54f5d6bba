--- Side runs: small experiments beside the diagnosed one that answer what its signals cannot.
-- Each test is a file with `id`, `what` and `run(experiment, run) -> table | nil, reason`; the
-- table becomes signals.tests[id]. Tests train copies only.

local attempt = require "lossdbg.support.attempt"
local M = {}

-- Cheap ones first: a time budget may end the list early.
local names = { "overfit_batch", "line", "gradcheck", "lr_range", "data_independence", "quick" }

--- All tests in order.
---@return { id: string, what: string, run: function }[]
function M.all()
  local list = {}
  for i, name in ipairs(names) do list[i] = require("lossdbg.diagnose.tests." .. name) end
  return list
end

--- Runs the tests until the time is used up. A test that raises is reported, not fatal: what a
-- user's own layer or loss does on a changed batch is not ours to know.
---@param experiment lossdbg.Experiment
---@param run lossdbg.Run
---@param o { deadline?: number, clock?: fun(): number }
---@return table<string, table> results by id
---@return { test: string, why: string }[] missing
function M.run(experiment, run, o)
  local results, missing = {}, {}
  for _, test in ipairs(M.all()) do
    if o.deadline and o.clock() >= o.deadline then
      missing[#missing + 1] = { test = test.id, why = "no time left in the budget" }
    else
      local ok, result, why = attempt.call(test.run, experiment, run)
      if ok and result then
        results[test.id] = result
      else
        missing[#missing + 1] = { test = test.id, why = tostring(ok and why or result) }
      end
    end
  end
  return results, missing
end

return M
