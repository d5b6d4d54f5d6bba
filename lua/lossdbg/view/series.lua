--- Arithmetic of curves for the plots: ranges, ticks, decimation that keeps spikes, smoothing.
local number = require "lossdbg.support.number"
local text = require "lossdbg.support.text"

local M = {}

local is_finite = number.is_finite
local floor, ceil, log, huge = math.floor, math.ceil, math.log, math.huge

---@class lossdbg.curve
---@field name string
---@field y number[]      values; NaN and infinities are gaps that get marked
---@field x number[]|nil  abscissa, default 1, 2, …

--- Accepts one list of numbers, one curve, a list of curves or a map name → list; returns a list of
--- curves with name, x, y and n. Maps are sorted by name. Anything that is no number counts as NaN.
---@param input table
---@return lossdbg.curve[]
function M.curves(input)
  local list = {}
  if type(input) ~= "table" then
    error("lossdbg: plot: argument 'series': expected table, got " .. type(input), 3)
  end
  if input.y then
    list[1] = input
  elseif type(input[1]) == "number" then
    list[1] = { name = input.name or "", y = input }
  elseif type(input[1]) == "table" then
    list = input
  else
    for name, y in pairs(input) do
      if type(y) == "table" then list[#list + 1] = { name = name, y = y } end
    end
    table.sort(list, function(a, b) return text.before(tostring(a.name), tostring(b.name)) end)
  end
  local curves = {}
  for i, c in ipairs(list) do
    local y = c.y or c
    local curve = { name = tostring(c.name or ""), n = #y, x = {}, y = {} }
    for k = 1, #y do
      curve.y[k] = type(y[k]) == "number" and y[k] or 0 / 0
      curve.x[k] = c.x and is_finite(c.x[k]) and c.x[k] or k
    end
    curves[i] = curve
  end
  return curves
end

--- Smallest and largest finite value and how many values are not finite.
---@param values number[]
---@return number|nil lo
---@return number|nil hi
---@return integer nonfinite
function M.range(values)
  local lo, hi, bad = huge, -huge, 0
  for i = 1, #values do
    local v = values[i]
    if is_finite(v) then
      if v < lo then lo = v end
      if v > hi then hi = v end
    else
      bad = bad + 1
    end
  end
  if lo > hi then return nil, nil, bad end
  return lo, hi, bad
end

--- Range over several curves' field "x" or "y" and over extra levels (marked horizontal lines).
---@param curves lossdbg.curve[]
---@param field "x"|"y"
---@param levels {value:number}[]|nil
---@return number|nil lo
---@return number|nil hi
function M.extent(curves, field, levels)
  local ends = {}
  for _, c in ipairs(curves) do
    local lo, hi = M.range(c[field])
    if lo then ends[#ends + 1], ends[#ends + 2] = lo, hi end
  end
  if #ends > 0 then
    for _, level in ipairs(levels or {}) do ends[#ends + 1] = level.value end
  end
  local lo, hi = M.range(ends)
  return lo, hi
end

--- Whether every abscissa is a whole number (epochs, steps).
---@param curves lossdbg.curve[]
---@return boolean
function M.whole_x(curves)
  for _, c in ipairs(curves) do
    for i = 1, c.n do
      if c.x[i] ~= floor(c.x[i]) then return false end
    end
  end
  return true
end

--- Whether a logarithmic axis shows more: all values positive and a range above 1000.
---@param lo number|nil
---@param hi number|nil
---@return boolean
function M.wants_log(lo, hi)
  return lo ~= nil and lo > 0 and hi / lo > 1e3
end

--- Widens a range below 1 % of its values, so that a constant curve looks constant.
---@param lo number
---@param hi number
---@return number lo
---@return number hi
function M.widen(lo, hi)
  local size = math.max(math.abs(lo), math.abs(hi))
  if hi / 2 - lo / 2 > size * 0.005 then return lo, hi end
  local half = size > 0 and math.max(size * 0.02, 1e-300) or 1
  local middle = lo + (hi - lo) / 2
  return math.max(-1.7e308, middle - half), math.min(1.7e308, middle + half)
end

local function nice_step(span, count)
  local power = 10.0 ^ floor(log(span / count, 10))
  local fraction = span / count / power
  local factor = fraction <= 1 and 1 or fraction <= 2 and 2 or fraction <= 5 and 5 or 10
  return factor * power
end

--- Moves the ends of the range to round numbers where these are near.
---@param lo number
---@param hi number
---@param count integer ticks wanted
---@return number lo
---@return number hi
function M.frame(lo, hi, count)
  local span = hi - lo
  if not (span > 0 and is_finite(span)) then return lo, hi end
  local step = nice_step(span, count)
  local below, above = floor(lo / step) * step, ceil(hi / step) * step
  -- Without a round number near, a little room keeps the curve off the frame.
  lo = lo - below < 0.35 * step and below or lo - 0.03 * span
  hi = above - hi < 0.35 * step and above or hi + 0.03 * span
  return lo, hi
end

--- About `count` round numbers inside [lo, hi], with labels of equal decimals.
---@param lo number
---@param hi number
---@param count integer
---@param whole boolean|nil only whole numbers
---@return {value:number, label:string}[]
function M.ticks(lo, hi, count, whole)
  local span = hi - lo
  if not (span > 0 and is_finite(span)) then
    return { { value = lo, label = number.format(lo) } }
  end
  local step = nice_step(span, count)
  if whole then step = math.max(1, step) end
  local out = {}
  local first, last = ceil(lo / step - 1e-9), floor(hi / step + 1e-9)
  local decimals = math.max(0, -floor(log(step, 10) + 1e-9))
  for i = first, last do
    local v = i * step
    local size = math.max(math.abs(lo), math.abs(hi))
    local label = (size >= 1e6 or size < 1e-3) and number.short(v) or number.fixed(v, decimals)
    out[#out + 1] = { value = v, label = label }
  end
  return out
end

--- Ticks of a logarithmic axis: powers of ten (thinned to `count`); 1, 2 and 5 when there are few.
---@param lo number positive
---@param hi number
---@param count integer
---@return {value:number, label:string}[]
function M.log_ticks(lo, hi, count)
  local first, last = floor(log(lo, 10) + 1e-9), ceil(log(hi, 10) - 1e-9)
  local every = math.max(1, ceil((last - first) / count))
  local factors = (last - first) * 3 <= count + 1 and { 1, 2, 5 } or { 1 }
  local out = {}
  for power = first, last do
    for _, factor in ipairs(factors) do
      local v = factor * 10.0 ^ power
      if power % every == 0 and v >= lo * (1 - 1e-9) and v <= hi * (1 + 1e-9) then
        out[#out + 1] = { value = v, label = number.short(v) }
      end
    end
  end
  if #out < 2 then
    return { { value = lo, label = number.short(lo) }, { value = hi, label = number.short(hi) } }
  end
  return out
end

--- Maps values to [0, 1], on request logarithmically; values that do not fit give nil.
---@param lo number
---@param hi number
---@param logarithmic boolean|nil
---@return fun(v:number):number|nil
function M.scale(lo, hi, logarithmic)
  if logarithmic then lo, hi = log(lo), log(hi) end
  -- Halves, so that a range as wide as the doubles themselves does not overflow.
  local half = hi / 2 - lo / 2
  return function(v)
    if not is_finite(v) then return nil end
    if logarithmic then
      if v <= 0 then return nil end
      v = log(v)
    end
    return (v / 2 - lo / 2) / half
  end
end

--- Exponential moving average as in TensorBoard: debiased, gaps passed over. On a logarithmic axis
--- the logarithms are averaged, as the eye does: else one first value drags the curve for ages.
---@param y number[]
---@param alpha number|nil weight of the past, default 0.6
---@param logarithmic boolean|nil values that are not positive are gaps then
---@return number[]
function M.ema(y, alpha, logarithmic)
  alpha = alpha or 0.6
  local out, mean, weight = {}, 0.0, 0.0
  for i = 1, #y do
    if is_finite(y[i]) and (not logarithmic or y[i] > 0) then
      mean = alpha * mean + (1 - alpha) * (logarithmic and math.log(y[i]) or y[i])
      weight = alpha * weight + (1 - alpha)
      out[i] = logarithmic and math.exp(mean / weight) or mean / weight
    else
      out[i] = 0 / 0
    end
  end
  return out
end

--- At most two points per column, the lowest and the highest in their order, so that spikes stay;
--- a column that holds a value that cannot be shown ends with a gap.
---@param position number[]  0..1 along the axis, one per value
---@param height (number|false)[] 0..1 or false for a gap, one per value
---@param columns integer
---@return {column:integer, position:number, height:number|false}[] points height false marks a gap
---@return integer[] breaks columns with a gap, ascending
function M.decimate(position, height, columns)
  local points, breaks = {}, {}
  local column, low, high, gap
  local function put(i)
    points[#points + 1] = { column = column, position = position[i], height = height[i] }
  end
  local function flush()
    if low then
      put(math.min(low, high))
      if low ~= high then put(math.max(low, high)) end
    end
    if gap then
      put(gap)
      breaks[#breaks + 1] = column
    end
    low, high, gap = nil, nil, nil
  end
  for i = 1, #position do
    local here = math.min(columns - 1, math.max(0, floor(position[i] * columns)))
    if here ~= column then
      flush()
      column = here
    end
    local h = height[i]
    if not h then
      gap = gap or i
    else
      if not low or h < height[low] then low = i end
      if not high or h > height[high] then high = i end
    end
  end
  flush()
  return points, breaks
end

return M
