--- pcall for work whose failure is a result by itself: a rule, a test, a patch that does not fit.
-- What says nothing about that work goes on to the caller: no memory left, or the host's wish to
-- stop. Taken for a result it would turn into a wrong diagnosis, or keep a stopped script going.
local M = {}

local passed_on = { "not enough memory", "memory limit: ", ": interrupted" }

--- Whether an error is the host's business and not the work's.
---@param message any
---@return boolean
function M.is_fatal(message)
  if type(message) ~= "string" then return false end
  for _, part in ipairs(passed_on) do
    if message:find(part, 1, true) then return true end
  end
  return false
end

local function settle(ok, ...)
  if not ok and M.is_fatal((...)) then error((...), 0) end
  return ok, ...
end

--- Like pcall, but raises again what is fatal.
---@param fn function
---@param ... any
---@return boolean ok
---@return any ... results, or the error
function M.call(fn, ...) return settle(pcall(fn, ...)) end

return M
