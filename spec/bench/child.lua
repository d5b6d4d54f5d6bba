--- A child process that answers one JSON line per line of command; waiting takes no processor.
-- io.popen goes one way: commands through its pipe, answers through a named one.
local json = require "lossdbg.support.json"

local M = {}

local Child = {}
Child.__index = Child

---A word that the shell leaves as it is.
---@param s string
---@return string
function M.quoted(s) return "'" .. tostring(s):gsub("'", "'\\''") .. "'" end

local function read(self)
  local line = self.answers:read "l"
  while line and line:sub(1, 1) ~= "{" do line = self.answers:read "l" end -- libraries talk
  if not line then
    self.dead = true
    return nil, "ended without an answer" .. M.last_words(self.log)
  end
  local answer, why = json.decode(line)
  if not answer then return nil, "answered no JSON: " .. tostring(why) end
  if answer.error then return nil, answer.error end
  return answer
end

---The last line that a child wrote to its log.
---@param path string
---@return string ": LINE", or ""
function M.last_words(path)
  local file = io.open(path)
  if not file then return "" end
  local last
  for line in file:lines() do
    if line:match "%S" then last = line end
  end
  file:close()
  return last and (": " .. last:sub(1, 160)) or ""
end

---Starts a program. Its first answer is read by ready().
---@param command string for the shell
---@param folder string for its pipe and its log
---@param name string unique among the children alive
---@return table child
function M.start(command, folder, name)
  local base = folder .. "/" .. name:gsub("[^%w]", "_")
  local pipe, log = base .. ".pipe", base .. ".log"
  os.remove(pipe)
  assert(os.execute("mkfifo " .. M.quoted(pipe)), "mkfifo failed")
  local commands = assert(io.popen(("exec %s >%s 2>%s"):format(command, M.quoted(pipe),
    M.quoted(log)), "w"))
  local answers = assert(io.open(pipe))
  os.remove(pipe)
  return setmetatable({ commands = commands, answers = answers, log = log, name = name }, Child)
end

---What it says when it is ready, or nil and why it never will be.
---@return table|nil
---@return string|nil
function Child:ready() return read(self) end

---Runs for about `seconds`; the answer has at least `us`, microseconds a step.
---@param seconds number
---@return table|nil
---@return string|nil
function Child:run(seconds)
  if self.dead then return nil, "has ended" end
  self.commands:write(("run %.3f\n"):format(seconds))
  self.commands:flush()
  return read(self)
end

---Ends the child and waits for it.
function Child:close()
  if not self.dead then self.commands:write "quit\n" end
  self.answers:close()
  self.commands:close()
end

return M
