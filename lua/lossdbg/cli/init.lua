--- The command line: `lossdbg --help`.
-- Status: 0 sound, 1 a fault was found, 2 cannot be judged, 64 wrong usage, 66 a file that cannot
-- be read, 70 a fault of our own, 130 interrupted.
local attempt = require "lossdbg.support.attempt"
local command_list = require "lossdbg.cli.command_list"

local M = {}

M.status = { ok = 0, fault = 1, unjudged = 2, usage = 64, unreadable = 66, internal = 70,
  interrupted = 130 }

-- An error of ours carries a status; any other is a fault.
local Stop = {}

---Ends a command with a message on stderr.
---@param status integer
---@param ... any for string.format
function M.stop(status, ...)
  error(setmetatable({ status = status, message = string.format(...) }, Stop), 0)
end

---@class lossdbg.CliOption
---@field name string long name, without dashes
---@field value? string name of its value; a flag has none
---@field number? boolean
---@field integer? boolean
---@field choices? string[]
---@field doc? string what it does, for help, man page and completion

local function read_value(option, text, name)
  if text == nil then M.stop(M.status.usage, "--%s needs %s", name, option.value) end
  for _, choice in ipairs(option.choices or {}) do
    if choice == text then return text end
  end
  if option.choices then
    M.stop(M.status.usage, "--%s: '%s' is none of %s", name, text,
      table.concat(option.choices, ", "))
  end
  if not (option.number or option.integer) then return text end
  local value = tonumber(text)
  if option.integer then value = math.tointeger(value) end
  if not value or not (value > 0) or value == math.huge then
    M.stop(M.status.usage, "--%s: '%s' is no %s above 0", name, text,
      option.integer and "whole number" or "number")
  end
  return value
end

---Splits arguments into options (`--name value`, `--name=value`, flags) and words.
---@param args string[]
---@param first integer
---@param known lossdbg.CliOption[]
---@return table<string, any> options
---@return string[] words
function M.read(args, first, known)
  local by_name, given, words = {}, {}, {}
  for _, option in ipairs(known) do by_name[option.name] = option end
  local i = first
  while i <= #args do
    local word = args[i]
    local name, text = word:match "^%-%-([^=]+)=?(.*)$"
    if word == "-h" then name, text = "help", "" end
    if word == "--" then
      table.move(args, i + 1, #args, #words + 1, words)
      break
    end
    local option = name and by_name[name]
    if name and not option then
      M.stop(M.status.usage, "what is '%s'? (see --help)", word)
    elseif not name then
      words[#words + 1] = word
    elseif option.value then
      if not word:find("=", 1, true) then
        i = i + 1
        text = args[i]
      end
      given[name] = read_value(option, text, name)
    elseif word:find("=", 1, true) then
      M.stop(M.status.usage, "--%s takes no value", name)
    else
      given[name] = true
    end
    i = i + 1
  end
  return given, words
end

local function run(args, out, err)
  local command = args[1]
  if command == "--help" or command == "-h" then
    out:write(require("lossdbg.cli.usage").all())
  elseif command == "--version" then
    out:write(require("lossdbg")._VERSION, "\n")
  elseif command == nil then
    M.stop(M.status.usage, "which command? (see lossdbg --help)")
  else
    local module = command_list.load(command)
    if not module then
      M.stop(M.status.usage, "what is '%s'? (see lossdbg --help)", command)
    end
    for i = 2, #args do
      if args[i] == "--" then break end
      if args[i] == "--help" or args[i] == "-h" then
        out:write(require("lossdbg.cli.usage").command(command))
        return M.status.ok
      end
    end
    return module.run(args, out, err)
  end
  return M.status.ok
end

---Runs a command; raises nothing.
---@param args string[] as in the global `arg`
---@param out? file* default io.stdout
---@param err? file* default io.stderr
---@return integer status
function M.main(args, out, err)
  out, err = out or io.stdout, err or io.stderr
  local ok, result = xpcall(run, function(problem)
    if getmetatable(problem) == Stop then return problem end
    if attempt.is_interruption(problem) then
      return setmetatable({ status = M.status.interrupted, message = "interrupted" }, Stop)
    end
    return setmetatable({ status = M.status.internal,
      message = debug.traceback("this is a fault of lossdbg: " .. tostring(problem), 2) }, Stop)
  end, args, out, err)
  if ok then return result or M.status.ok end
  err:write("lossdbg: ", result.message, "\n")
  return result.status
end

return M
