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
local trainer_state = require "lossdbg.interop.recorded.trainer_state"

local M = {}

---@class lossdbg.RecordedFormat
---@field id string
---@field title string
---@field read fun(file: table): lossdbg.RecordedFile|nil, string|nil nil without a message: not his
---@field salvage? fun(file: table): lossdbg.RecordedFile|nil what stands before damage

---@type lossdbg.RecordedFormat[]
M.json = { trainer_state, history_json }
M.text = { metric_csv, fit_console, dict_console, loop_console }
M.all = { history_json, metric_csv, event_file, fit_console, loop_console, dict_console,
  metric_jsonl, trainer_state }

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

-- One JSON text, or one a line. A text that is cut or damaged gives what stands before that.
local function read_json(file)
  local value, why = json.decode(file.text)
  if value == nil then
    if looks_jsonl(file.text) then return metric_jsonl.read(file) end
    for _, format in ipairs(M.json) do
      local source = format.salvage(file)
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
  if looks_jsonl(file.text .. "\n") then return metric_jsonl.read(file) end
end

local function read_text(file)
  for _, format in ipairs(M.text) do
    local source, trouble = format.read(file)
    if source or trouble then return source, trouble end
  end
end

---Reads a file by what is in it. nil without a message: it is no log of a training.
---@param file { path: string, bytes: string|nil, head: string, part: string|nil }
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
