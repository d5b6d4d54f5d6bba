--- Scripts that a command is given: Lua files that return an experiment, or something made of one.
local attempt = require "lossdbg.support.attempt"
local cli = require "lossdbg.cli"

local M = {}

---Runs a script.
---@param path string
---@return any value what it returned
function M.run(path)
  local chunk, why = loadfile(path, "t")
  if not chunk then cli.stop(cli.status.unreadable, "%s", why) end
  local results = table.pack(xpcall(chunk, debug.traceback, path))
  if not results[1] then
    if attempt.is_interruption(results[2]) then error(results[2], 0) end
    cli.stop(cli.status.unreadable, "%s: the script failed: %s", path, tostring(results[2]))
  end
  return results[2]
end

---The experiment of a script.
---@param path string
---@return lossdbg.Experiment
function M.experiment(path)
  local value = M.run(path)
  if type(value) == "table" and type(value.with) == "function" then return value end
  cli.stop(cli.status.usage, "%s: expected a script that returns an experiment, it returned %s",
    path, type(value))
end

return M
