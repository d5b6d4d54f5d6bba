--- The formats of recorded trainings, one row each, in the order in which a text is tried.

local dict_console = require "lossdbg.interop.recorded.dict_console"
local event_file = require "lossdbg.interop.recorded.event_file"
local fit_console = require "lossdbg.interop.recorded.fit_console"
local history_json = require "lossdbg.interop.recorded.history_json"
local json = require "lossdbg.support.json"
local log_text = require "lossdbg.interop.recorded.log_text"
local loop_console = require "lossdbg.interop.recorded.loop_console"
local metric_csv = require "lossdbg.interop.recorded.metric_csv"
local metric_jsonl = require "lossdbg.interop.recorded.metric_jsonl"
local names = require "lossdbg.interop.recorded.metric_names"
local printed_table = require "lossdbg.interop.recorded.printed_table"
local source_file = require "lossdbg.interop.recorded.source_file"
local trainer_state = require "lossdbg.interop.recorded.trainer_state"

local M = {}

---@class lossdbg.RecordedFormat
---@field id string
---@field title string
---@field read fun(file: table): lossdbg.RecordedFile|nil, string|nil nil without a message: not his
---@field salvage? fun(file: table): lossdbg.RecordedFile|nil what stands before damage

---@type lossdbg.RecordedFormat[]
M.json = { trainer_state, history_json, metric_jsonl.list }
M.text = { metric_csv, fit_console, dict_console, history_json.printed, loop_console,
  printed_table, printed_table.bare }
M.all = { history_json, metric_csv, event_file, fit_console, loop_console, dict_console,
  metric_jsonl, trainer_state, printed_table, printed_table.bare,
  metric_jsonl.list }

---@param id string
---@return lossdbg.RecordedFormat
function M.get(id)
  for _, format in ipairs(M.all) do
    if format.id == id then return format end
  end
end

local function looks_jsonl(text)
  local first = text:match "^%s*(%b{})[ \t]*[\r\n]"
  return first ~= nil and not first:find "[\r\n]" and json.decode(first) ~= nil
end

-- The first line of a log that has no second one yet: it counts, or holds a measure.
local function is_record(value)
  if type(value) ~= "table" then return false end
  for key, item in pairs(value) do
    if type(key) == "string" and source_file.number(item) then
      local name = names.read(key)
      if names.index(key) or name and names.known(name.key) then return true end
    end
  end
  return false
end

-- One JSON text, or one a line. A text that is cut or damaged gives what stands before that.
local function read_json(file)
  local value, why = json.decode(file.text)
  if value == nil then
    if looks_jsonl(file.text) then return metric_jsonl.read(file) end
    for _, format in ipairs(M.json) do
      local source = format.salvage and format.salvage(file)
      if source and not source:is_empty() then
        source.damage = why
        return source
      end
    end
    return nil, why
  end
  file.value = value
  for _, format in ipairs(M.json) do
    local source = format.read(file)
    if source then return source end
  end
  if is_record(value) then return metric_jsonl.read(file) end
end

-- A format that fits by its first lines and then reads nothing gives way to the next.
local function read_text(file)
  local empty
  for _, format in ipairs(M.text) do
    local source, trouble = format.read(file)
    if trouble or source and not source:is_empty() then return source, trouble end
    empty = empty or source
  end
  return empty
end

---Reads a file by what is in it. nil without a message: it is no log of a training.
---@param file table path, bytes, head; alone: it was named itself, not found in a folder
---@return lossdbg.RecordedFile|nil
---@return string|nil message
function M.read(file)
  if event_file.fits(file.head) then return event_file.read(file) end
  if not log_text.is_text(file.head) then return nil end
  local note
  file.text, note = log_text.decode(file.bytes or "")
  local source, why
  if file.text:find '^%s*{%s*"' or file.text:find "^%s*%[%s*{" then
    source, why = read_json(file)
  else
    source, why = read_text(file)
  end
  if source and note then source:note("it was %s", note) end
  return source, why
end

return M
