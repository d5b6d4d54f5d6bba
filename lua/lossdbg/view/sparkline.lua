--- A curve in one line of block characters.
local series = require "lossdbg.view.series"

local M = {}

local BLOCKS = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }
local LETTERS = { "_", ".", "-", "=", "+", "*", "#", "@" }

---@class lossdbg.sparkline_options
---@field ascii boolean|nil  plain ASCII
---@field flat number|nil    relative range under which the curve counts as constant, default 1e-3
---@field lo number|nil      value of the lowest block, default the minimum
---@field hi number|nil      value of the highest block, default the maximum

-- Representative of values[first..last]: NaN when any is not finite, else their mean.
local function bucket(values, first, last)
  local sum = 0.0
  for i = first, last do
    local v = values[i]
    if type(v) ~= "number" or v ~= v or v == math.huge or v == -math.huge then return nil end
    sum = sum + v / (last - first + 1)
  end
  return sum
end

--- Sparkline of `values` in at most `width` characters (fewer when there are fewer values). A curve
--- that is constant within opts.flat is a line at half height; NaN and infinities are ×.
---@param values number[]
---@param width integer|nil default 20
---@param opts lossdbg.sparkline_options|nil
---@return string
function M.sparkline(values, width, opts)
  opts = opts or {}
  width = math.max(1, width or 20)
  local n = #values
  local columns = math.min(width, n)
  local means = {}
  for c = 1, columns do
    local first, last = (c - 1) * n // columns + 1, c * n // columns
    means[c] = bucket(values, first, last) or false
  end
  local lo, hi = series.range(means)
  lo, hi = opts.lo or lo, opts.hi or hi
  local blocks = opts.ascii and LETTERS or BLOCKS
  local out = {}
  for c = 1, columns do
    local v = means[c]
    if not v then
      out[c] = opts.ascii and "x" or "×"
    elseif hi / 2 - lo / 2 <= (opts.flat or 1e-3) * math.max(math.abs(lo), math.abs(hi)) / 2 then
      out[c] = blocks[4]
    else
      local level = (v / 2 - lo / 2) / (hi / 2 - lo / 2)
      out[c] = blocks[math.min(8, math.max(1, 1 + math.floor(level * 8)))]
    end
  end
  return table.concat(out)
end

return M
