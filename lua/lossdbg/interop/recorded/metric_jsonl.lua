--- One JSON object a line, as PyTorch programs, W&B exports and our own jsonl_log write them.

local json = require "lossdbg.support.json"
local log_text = require "lossdbg.interop.recorded.log_text"
local names = require "lossdbg.interop.recorded.metric_names"
local record_rows = require "lossdbg.interop.recorded.record_rows"
local source_file = require "lossdbg.interop.recorded.source_file"

local M = { id = "jsonl", title = "JSON lines" }

local DEEPEST = 3 -- { "train": { "loss": { "mean": 0.5 } } }

-- Objects within a record as names with "/": { "train": { "loss": 0.5 } } is train/loss.
local function flat(record, prefix, out, depth)
  for name, value in pairs(record) do
    local full = prefix .. tostring(name)
    if type(value) == "table" and value[1] == nil and value ~= json.null and depth < DEEPEST then
      flat(value, full .. "/", out, depth + 1)
    else
      out[full] = value
    end
  end
  return out
end

local function cells_of(source, record)
  local index, cells = {}, {}
  for name, value in pairs(flat(record, "", {}, 1)) do
    local axis = names.index(name)
    local y = source_file.number(value)
    if axis and y then
      index[axis] = y
    elseif y then
      cells[#cells + 1] = { name, y }
    elseif name ~= "event" then
      source:leave_out(name)
    end
  end
  table.sort(cells, function(a, b) return a[1] < b[1] end)
  return index, cells
end

local function take(source, rows, record)
  local event = record.event
  local index, cells = cells_of(source, record)
  rows:add(index, cells, event == "step" and "step" or event == "epoch" and "epoch" or nil)
end

local function has_records(list)
  return type(list) == "table" and type(list[1]) == "table" and list[1][1] == nil
end

---A list of records in one JSON text: [ { "epoch": 0, "loss": 0.5 }, ... ], also as a member of an
---object.
---@type lossdbg.RecordedFormat
M.list = { id = "json_records", title = "JSON records" }

---@param file { path: string, value: any }
---@return lossdbg.RecordedFile|nil
function M.list.read(file)
  local list = has_records(file.value) and file.value
  if not list and type(file.value) == "table" then
    for _, value in pairs(file.value) do
      if has_records(value) and (not list or #value > #list) then list = value end
    end
  end
  if not list then return nil end
  local source = source_file.new(file.path, M.list.id)
  local rows = record_rows.new(source)
  for _, record in ipairs(list) do
    if type(record) == "table" then take(source, rows, record) end
  end
  rows:finish()
  for _, series in ipairs(source.series) do
    if names.known(series.key) then return source end
  end
end

---@param file { path: string, text: string }
---@return lossdbg.RecordedFile|nil
---@return string|nil message
function M.read(file)
  local source = source_file.new(file.path, M.id)
  local rows = record_rows.new(source)
  for line, at, kind in log_text.lines(file.text) do
    if line:find "%S" then
      local record, why = json.decode(line)
      if type(record) ~= "table" then
        if kind == "cut" then
          source:note "the last line is cut: it may still be being written"
        else
          source.damage = ("byte %d: %s"):format(at - 1, why or "no JSON object")
        end
        break
      end
      take(source, rows, record)
    end
  end
  rows:finish()
  return source
end

return M
