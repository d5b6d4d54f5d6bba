--- What one file of a recording gave: series by name, what was left out, and where it broke off.

local names = require "lossdbg.interop.recorded.metric_names"

local M = {}

---@class lossdbg.RecordedSeries
---@field raw string as it was logged
---@field key string see metric_names
---@field part "train"|"val"|"test"
---@field level "epoch"|"step"|nil
---@field x number[] epochs or steps, rising
---@field y number[]

---@class lossdbg.RecordedFile
---@field path string
---@field format string id of the format
---@field series lossdbg.RecordedSeries[]
---@field notes string[] what a reader should know
---@field left_out string[] names that were not taken
---@field damage string|nil where and why reading ended early
local Source = {}
Source.__index = Source

---@param path string
---@param format string
---@return lossdbg.RecordedFile
function M.new(path, format)
  return setmetatable({ path = path, format = format, series = {}, by_raw = {}, notes = {},
    left_out = {}, skipped = {} }, Source)
end

function Source:note(text, ...)
  self.notes[#self.notes + 1] = select("#", ...) > 0 and text:format(...) or text
end

---Says once that a name was not taken.
function Source:leave_out(raw)
  if not self.skipped[raw] then
    self.skipped[raw] = true
    self.left_out[#self.left_out + 1] = raw
  end
end

---The series of a logged name, made when it is new; nil for clocks and counters.
---@param raw string
---@param part? string where the place in the log tells it
---@param level? string likewise
function Source:find(raw, part, level)
  local id = raw .. "\0" .. (part or "") .. "\0" .. (level or "")
  local series = self.by_raw[id]
  if series == nil then
    local name = names.read(raw, part)
    series = name and { raw = raw, key = name.key, part = name.part, level = name.level or level,
      x = {}, y = {} } or false
    self.by_raw[id] = series
    if series then self.series[#self.series + 1] = series else self:leave_out(raw) end
  end
  return series or nil
end

---Appends a point.
function Source:add(raw, x, y, part, level)
  local series = self:find(raw, part, level)
  if series then
    local n = #series.y + 1
    series.x[n], series.y[n] = x, y
  end
end

---Whether anything was read.
function Source:is_empty()
  for _, series in ipairs(self.series) do
    if #series.y > 0 then return false end
  end
  return true
end

---A number as programs log it: a number, or text such as "0.5", "nan", "Infinity"; else nil.
---@param value any
---@return number|nil
function M.number(value)
  if type(value) == "number" then return value end
  if type(value) ~= "string" then return nil end
  return require("lossdbg.core").io.parse_number(value:match "^%s*(.-)%s*$")
end

return M
