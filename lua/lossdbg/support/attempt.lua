--- pcall for work whose failure is a result by itself: a rule, a test, a patch that does not fit.
-- What says nothing about that work goes on to the caller: no memory left, or somebody's wish to
-- stop. Taken for a result it would turn into a wrong diagnosis, or keep a stopped script going.
-- Elsewhere in the library pcall stands only where every error is raised again.
local source = require "lossdbg.support.source"

local M = {}

-- How first lines end: of lua's own Ctrl-C (with a position, or after a C call without one), and of
-- lossdbg_setlimits and lossdbg_interrupt.
local stopped = { "^interrupted!?$", ": interrupted!?$" }
local no_memory = { "not enough memory", "memory limit: " }

--- Whether an error is the wish of a user or host to stop, and no failure.
---@param message any
---@return boolean
function M.is_interruption(message)
  if type(message) ~= "string" then return false end
  local line = message:match "^[^\r\n]*"
  for _, pattern in ipairs(stopped) do
    if line:find(pattern) then return true end
  end
  return false
end

--- Whether an error is the host's business and not the work's.
---@param message any
---@return boolean
function M.is_fatal(message)
  if M.is_interruption(message) then return true end
  if type(message) ~= "string" then return false end
  for _, part in ipairs(no_memory) do
    if message:find(part, 1, true) then return true end
  end
  return false
end

local function settle(is_raised, ok, ...)
  if not ok and is_raised((...)) then error((...), 0) end
  return ok, ...
end

--- Like pcall, but raises again what is fatal.
---@param fn function
---@param ... any
---@return boolean ok
---@return any ... results, or the error
function M.call(fn, ...) return settle(M.is_fatal, pcall(fn, ...)) end

--- Like pcall, but raises again a wish to stop: for what may be left out when memory is short.
---@param fn function
---@param ... any
---@return boolean ok
---@return any ... results, or the error
function M.spare(fn, ...) return settle(M.is_interruption, pcall(fn, ...)) end

local function place(ok, ...)
  if ok then return ... end
  local message = ...
  if type(message) ~= "string" or M.is_fatal(message) then error(message, 0) end
  local text = message:match "^lossdbg: .*" or message:match "^[^\n]-:%d+: (lossdbg: .*)$"
  if text then error(text, source.level()) end
  error(message, 0)
end

--- Calls fn(...); an error of ours names the user's line, however deep inside it was raised.
---@param fn function
---@param ... any
---@return any ... results
function M.placed(fn, ...) return place(pcall(fn, ...)) end

return M
