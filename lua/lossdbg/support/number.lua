--- Numbers as people read them: four significant digits, percent, durations.
-- string.format follows the C locale of the host program, which may write a decimal comma; every
-- function here returns a decimal point whatever the locale.
local M = {}

local floor, abs, huge, fmt = math.floor, math.abs, math.huge, string.format

--- C-formatted number with the locale's decimal separator replaced by a point.
---@param pattern string one of %e %f %g with flags
---@param x number
---@return string
function M.raw(pattern, x)
  return (fmt(pattern, x):gsub("[^%d%+%-einfa]+", "."))
end
local raw = M.raw

--- "nan", "inf" or "-inf" for a value that is no finite number, else nil.
---@param x any
---@return string|nil
function M.special(x)
  if type(x) ~= "number" then return type(x) == "nil" and "-" or tostring(x) end
  if x ~= x then return "nan" end
  if x == huge then return "inf" end
  if x == -huge then return "-inf" end
  return nil
end
local special = M.special

--- Whether x is a number that is neither NaN nor infinite.
---@param x any
---@return boolean
function M.is_finite(x)
  return type(x) == "number" and x == x and x ~= huge and x ~= -huge
end

local function trim(s)
  if not s:find(".", 1, true) then return s end
  return (s:gsub("0+$", ""):gsub("%.$", ""))
end

local function grouped(digits)
  local head = #digits % 3
  local out = digits:sub(1, head)
  for i = head + 1, #digits, 3 do
    out = out .. (out ~= "" and " " or "") .. digits:sub(i, i + 2)
  end
  return out
end

--- A count with thousands apart: 1410 → "1 410".
---@param n number
---@return string
function M.count(n)
  local s = special(n)
  if s then return s end
  local digits = raw("%.0f", abs(n))
  if #digits > 15 then return M.format(n) end
  return (n < 0 and digits ~= "0" and "-" or "") .. grouped(digits)
end

--- Fixed number of decimals.
---@param x number
---@param decimals integer
---@return string
function M.fixed(x, decimals)
  local s = special(x)
  if s then return s end
  s = raw("%." .. decimals .. "f", x)
  return (s:gsub("^%-(0%.?0*)$", "%1"))
end

--- A measured number with `digits` significant digits (default 4), without trailing zeros:
--- 1.088, 0.021, 1680, 62 397, 1.2e-05, nan, inf. Fixed notation from 1e-4 up to a million.
---@param x number
---@param digits integer|nil default 4
---@return string
function M.format(x, digits)
  local s = special(x)
  if s then return s end
  digits = digits or 4
  if x == 0 then return "0" end
  local mantissa, exponent = raw("%." .. (digits - 1) .. "e", x):match("^(.-)e(.+)$")
  local power = math.tointeger(tonumber(exponent)) or 0
  if power < -4 or power > 5 then
    return trim(mantissa) .. "e" .. exponent
  end
  local decimals = digits - 1 - power
  if decimals > 0 then return trim(raw("%." .. decimals .. "f", x)) end
  local rounded = raw("%.0f", x)
  if power >= 4 then return M.count(tonumber(rounded)) end
  return rounded
end

--- As format, with the shortest exponent: 1e-3, 4e-12. For rates and reference ranges.
---@param x number
---@param digits integer|nil default 3
---@return string
function M.short(x, digits)
  local s = special(x)
  if s then return s end
  digits = digits or 3
  if x ~= 0 and (abs(x) < 0.01 or abs(x) >= 1e5) then
    local mantissa, sign, exponent =
      raw("%." .. (digits - 1) .. "e", x):match("^(.-)e([%+%-])0*(%d+)$")
    return trim(mantissa) .. "e" .. (sign == "-" and "-" or "") .. exponent
  end
  return M.format(x, digits)
end

--- Several numbers of one kind with the same number of decimals: "0.020 0.021 0.024".
---@param values number[]
---@param separator string|nil default one space
---@return string
function M.list(values, separator)
  local largest, finite = 0, 0
  for _, v in ipairs(values) do
    if M.is_finite(v) then largest, finite = math.max(largest, abs(v)), finite + 1 end
  end
  local out = {}
  if finite == 0 or largest == 0 or largest < 1e-4 or largest >= 1e6 then
    for i, v in ipairs(values) do out[i] = M.format(v, 3) end
    return table.concat(out, separator or " ")
  end
  local power = floor(math.log(largest, 10))
  local decimals = math.max(0, 2 - power)
  for i, v in ipairs(values) do out[i] = M.fixed(v, decimals) end
  while decimals > 0 do
    for i = 1, #out do
      if special(values[i]) == nil and out[i]:sub(-1) ~= "0" then
        return table.concat(out, separator or " ")
      end
    end
    decimals = decimals - 1
    for i, v in ipairs(values) do out[i] = M.fixed(v, decimals) end
  end
  return table.concat(out, separator or " ")
end

--- A share 0..1 in percent: "88 %", "12.3 %", "0.12 %". Never rounds up to 100 % or down to 0 %.
---@param share number
---@return string
function M.percent(share)
  local s = special(share)
  if s then return s end
  local p = share * 100
  if p == floor(p) and abs(p) < 1e6 then return raw("%.0f", p) .. " %" end
  if share > 0.9995 and share < 1 then return "> 99.9 %" end
  if p ~= 0 and abs(p) < 0.01 then return (p < 0 and "> -0.01 %" or "< 0.01 %") end
  return M.format(p, 3) .. " %"
end

--- Seconds in words: "21 ms", "3.2 s", "3 min 12 s", "1 h 04 min", "2 d 03 h".
---@param seconds number
---@return string
function M.duration(seconds)
  local s = special(seconds)
  if s then return s end
  if seconds < 0 then return "-" .. M.duration(-seconds) end
  if seconds < 1e-3 then return M.format(seconds * 1e6, 3) .. " us" end
  if seconds < 0.9995 then return M.format(seconds * 1e3, 3) .. " ms" end
  if seconds < 9.95 then return trim(raw("%.1f", seconds)) .. " s" end
  local whole = floor(seconds + 0.5)
  if whole < 60 then return fmt("%d s", whole) end
  if whole < 3600 then return fmt("%d min %02d s", whole // 60, whole % 60) end
  if whole < 86400 then return fmt("%d h %02d min", whole // 3600, whole % 3600 // 60) end
  if whole < 1e12 then return fmt("%d d %02d h", whole // 86400, whole % 86400 // 3600) end
  return M.format(seconds / 86400, 3) .. " d"
end

--- Seconds without spaces for narrow places: "21ms", "3s", "1m04s", "2h05m".
---@param seconds number
---@return string
function M.clock(seconds)
  local s = special(seconds)
  if s then return s end
  seconds = math.max(0, seconds)
  if seconds < 1e-3 then return fmt("%dus", floor(seconds * 1e6 + 0.5)) end
  if seconds < 0.9995 then return fmt("%dms", floor(seconds * 1e3 + 0.5)) end
  if seconds >= 1e12 then return M.format(seconds) .. "s" end
  local whole = floor(seconds + 0.5)
  if whole < 60 then return fmt("%ds", whole) end
  if whole < 3600 then return fmt("%dm%02ds", whole // 60, whole % 60) end
  return fmt("%dh%02dm", whole // 3600, whole % 3600 // 60)
end

--- A value of unknown type for people: numbers by format (counts grouped), the rest by tostring.
---@param value any
---@return string
function M.any(value)
  if type(value) == "number" then
    if math.type(value) == "integer" and abs(value) >= 10000 then return M.count(value) end
    if math.type(value) == "integer" then return fmt("%d", value) end
    return M.format(value)
  elseif type(value) == "boolean" then
    return value and "yes" or "no"
  elseif type(value) == "table" and #value > 0 then
    local out = {}
    for i = 1, math.min(#value, 8) do out[i] = M.any(value[i]) end
    if #value > 8 then out[9] = "…" end
    return table.concat(out, " ")
  elseif value == nil then
    return "-"
  end
  return tostring(value)
end

return M
