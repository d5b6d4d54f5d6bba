--- A worker process a case, N at a time. A crash, or no answer in time, is an error of its case.
local json = require "lossdbg.support.json"
local workers = require "lossdbg.support.workers"

local M = {}

local longest = 300 -- seconds for one case, whatever its budget says

--- Runs every case. The results come in the order of the ids.
---@param ids string[]
---@param jobs integer
---@param work fun(id: string): table
---@return table[]
function M.run(ids, jobs, work)
  local results = {}
  local function done(i, answer)
    local id = ids[i]
    results[i] = answer.ok and answer.value
      or { id = id, causes = json.array(), error = tostring(answer.value) }
    local why = results[i].error
    io.stderr:write(("%3d/%d %s %5.1f s%s\n"):format(i, #ids, id, results[i].seconds or 0,
      why and "  " .. why or ""))
  end
  local _, told = workers.map(#ids, function(i) return work(ids[i]) end, { jobs = jobs,
    timeout = longest, name = function(i) return ids[i] end, done = done })
  for _, line in ipairs(told) do io.stderr:write(line, "\n") end
  return results
end

return M
