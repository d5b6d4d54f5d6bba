--- One JSON object a line, as PyTorch programs, W&B exports and our own jsonl_log write them.

local json = require "lossdbg.support.json"
local log_text = require "lossdbg.interop.recorded.log_text"
local names = require "lossdbg.interop.recorded.metric_names"
local record_rows = require "lossdbg.interop.recorded.record_rows"
local source_file = require "lossdbg.interop.recorded.source_file"

local M = { id = "jsonl", title = "JSON lines" }

local function cells_of(source, record)
  local index, cells = {}, {}
  for name, value in pairs(record) do
    local axis = type(name) == "string" and names.index(name)
    local y = source_file.number(value)
    if axis and y then
      index[axis] = y
    elseif y and type(name) == "string" then
      cells[#cells + 1] = { name, y }
    elseif name ~= "event" then
      source:leave_out(tostring(name))
    end
  end
  table.sort(cells, function(a, b) return a[1] < b[1] end)
  return index, cells
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
      local event = record.event
      local index, cells = cells_of(source, record)
      rows:add(index, cells, event == "step" and "step" or event == "epoch" and "epoch" or nil)
    end
  end
  rows:finish()
  return source
end

return M
