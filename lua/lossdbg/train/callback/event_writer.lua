--- Writes TensorBoard event files: scalars as simple values and histograms as `histo`, which every
-- version of TensorBoard reads, hyperparameters for its table of runs. Format: csrc/io/event.h.
local core = require "lossdbg.core"

local M = {}

local pack = string.pack

local function varint(x)
  local out = {}
  while x < 0 or x >= 128 do
    out[#out + 1], x = string.char(x & 127 | 128), x >> 7
  end
  out[#out + 1] = string.char(x)
  return table.concat(out)
end

local function field(number, bytes) return varint(number << 3 | 2) .. varint(#bytes) .. bytes end
local function double(number, x) return varint(number << 3 | 1) .. pack("<d", x) end
local function float(number, x) return varint(number << 3 | 5) .. pack("<f", x) end
local function whole(number, x) return varint(number << 3) .. varint(x) end

local function doubles(number, list)
  local parts = {}
  for i, x in ipairs(list) do parts[i] = pack("<d", x) end
  return field(number, table.concat(parts))
end

-- string.pack refuses what a float cannot hold.
local function as_float(x)
  if x ~= x or math.abs(x) <= 3.4028234663852886e38 then return x end
  return x > 0 and math.huge or -math.huge
end

---@class lossdbg.EventWriter
---@field path string
local Writer = { __name = "lossdbg.event_writer" }
Writer.__index = Writer

local function record(self, data)
  local head = pack("<I8", #data)
  self.file:write(head, pack("<I4", core.io.masked_crc(head)), data,
    pack("<I4", core.io.masked_crc(data)))
end

local function event(self, step, value)
  record(self, double(1, self.clock()) .. whole(2, step) .. field(5, field(1, value)))
end

---@param tag string
---@param x number
---@param step integer
function Writer:scalar(tag, x, step)
  event(self, step, field(1, tag) .. float(2, as_float(x)))
end

-- Equal bins between the extremes; what is not finite is in none.
local function bins_of(values, bins)
  local lo, hi, sum, squares, n = math.huge, -math.huge, 0.0, 0.0, 0
  for _, v in ipairs(values) do
    if v == v and math.abs(v) < math.huge then
      lo, hi, sum, squares, n = math.min(lo, v), math.max(hi, v), sum + v, squares + v * v, n + 1
    end
  end
  if n == 0 then return nil end
  local counts, limits = {}, {}
  local width = hi > lo and (hi - lo) / bins or 1
  for k = 1, bins do
    counts[k], limits[k] = 0, k == bins and hi or lo + k * width
  end
  for _, v in ipairs(values) do
    if v == v and math.abs(v) < math.huge then
      local k = math.min(bins, math.floor((v - lo) / width) + 1)
      counts[k] = counts[k] + 1
    end
  end
  return lo, hi, n, sum, squares, limits, counts
end

---@param tag string
---@param values number[]|userdata a tensor or a list
---@param step integer
---@param bins? integer default 30
function Writer:histogram(tag, values, step, bins)
  if type(values) == "userdata" then values = values:reshape { values.numel }:totable() end
  local lo, hi, n, sum, squares, limits, counts = bins_of(values, bins or 30)
  if not lo then return end
  event(self, step, field(1, tag) .. field(5, double(1, lo) .. double(2, hi) .. double(3, n)
    .. double(4, sum) .. double(5, squares) .. doubles(6, limits) .. doubles(7, counts)))
end

-- google.protobuf.Value
local function value_of(x)
  if type(x) == "number" then return double(2, x) end
  if type(x) == "boolean" then return whole(4, x and 1 or 0) end
  return field(3, tostring(x))
end

local function plugin(self, tag, content)
  event(self, 0, field(1, tag) .. field(9, field(1, field(1, "hparams") .. field(2, content))))
end

---Hyperparameters, for TensorBoard's HPARAMS.
---@param values table<string, number|string|boolean>
function Writer:hparams(values)
  local names, map = {}, {}
  for name in pairs(values) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    map[i] = field(1, field(1, name) .. field(2, value_of(values[name])))
  end
  local start = table.concat(map) .. double(5, self.clock())
  plugin(self, "_hparams_/session_start_info", whole(1, 0) .. field(3, start))
end

function Writer:flush() self.file:flush() end

function Writer:close()
  if self.file then self.file:close() end
  self.file = nil
end

Writer.__close = Writer.close

local function quoted(path) return "'" .. path:gsub("'", "'\\''") .. "'" end

local function open_new(folder, seconds)
  for i = 0, 999 do
    local path = ("%s/events.out.tfevents.%010d.lossdbg.%d"):format(folder, seconds, i)
    local old = io.open(path, "rb")
    if not old then
      local file, why = io.open(path, "wb")
      return file, why, path
    end
    old:close()
  end
  return nil, folder .. ": a thousand event files of one second"
end

---Opens a new event file in a folder, which is made where it is missing.
---@param folder string
---@return lossdbg.EventWriter|nil
---@return string|nil message
function M.open(folder)
  if not (io and io.open and os and os.time) then
    return nil, "this host gives no access to files (no io library)"
  end
  local seconds = os.time()
  local file, why, path = open_new(folder, seconds)
  if not file and os.execute("mkdir -p " .. quoted(folder) .. " 2>/dev/null") then
    file, why, path = open_new(folder, seconds)
  end
  if not file then return nil, "cannot write: " .. tostring(why) end
  local self = setmetatable({ file = file, path = path, clock = os.time }, Writer)
  record(self, double(1, seconds) .. field(3, "brain.Event:2"))
  return self
end

return M
