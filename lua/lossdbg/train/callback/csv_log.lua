--- A log in the format of Keras' CSVLogger.
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

local csv_schema = options.declare "callback.csv_log" {
  { name = "path", type = "string", positional = 1, required = true,
    doc = "of the file" },
  { name = "separator", type = "string", default = ",",
    doc = "between two cells" },
  { name = "append", type = "boolean", default = false,
    doc = "go on with a file that is there" },
}

---The shortest decimal that reads back as the same double, as Python writes floats.
---@param x number
---@return string
local function number_text(x)
  if math.type(x) == "integer" then return ("%d"):format(x) end
  if x ~= x then return "nan" end
  if x == math.huge then return "inf" elseif x == -math.huge then return "-inf" end
  for digits = 15, 17 do
    local text = ("%." .. digits .. "g"):format(x)
    if tonumber(text) == x then
      text = text:gsub(",", ".")
      return text:find("[%.e]") and text or text .. ".0"
    end
  end
end

local CsvLog = { __name = "lossdbg.csv_log" }
CsvLog.__index = CsvLog

function CsvLog:on_train_begin()
  if not (io and io.open) then
    error("lossdbg: callback.csv_log: this host gives no access to files (no io library)", 0)
  end
  local old = self.append and io.open(self.path, "r")
  self.keys = nil
  if old then
    self.has_header = old:read(1) ~= nil
    old:close()
  end
  local file, why = io.open(self.path, self.append and "a" or "w")
  if not file then
    error(("lossdbg: callback.csv_log: cannot write: %s"):format(why), 0)
  end
  self.file = file
end

function CsvLog:on_epoch_end(_, logs)
  if not self.keys then
    self.keys = {}
    for key in pairs(logs) do
      if key ~= "epoch" then self.keys[#self.keys + 1] = key end
    end
    table.sort(self.keys)
    if not self.has_header then
      self.file:write("epoch", self.separator, table.concat(self.keys, self.separator), "\n")
    end
  end
  local cells = { ("%d"):format(logs.epoch - 1) }
  for i, key in ipairs(self.keys) do
    cells[i + 1] = logs[key] == nil and "NA" or number_text(logs[key])
  end
  self.file:write(table.concat(cells, self.separator), "\n")
  self.file:flush()
end

function CsvLog:on_train_end()
  if self.file then self.file:close() end
  self.file = nil
end

---Writes one line per epoch in the format of Keras' CSVLogger: epoch from 0, keys in order, "NA"
---for what is missing.
---@param given { path: string, separator: string|nil, append: boolean|nil }|string
---@return lossdbg.Callback
function M.new(given)
  local self = options.check("callback.csv_log", given, csv_schema, source.level())
  return setmetatable(self, CsvLog)
end

M.number_text = number_text

return M
