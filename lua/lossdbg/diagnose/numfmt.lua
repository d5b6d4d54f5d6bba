--- Short, locale-free renderings of numbers for titles, evidence and verdicts.
local M = {}

local floor, abs, huge = math.floor, math.abs, math.huge

---Renders a number with about four significant digits.
---@param x any a number (NaN and infinity allowed); anything else goes through tostring
---@return string
function M.number(x)
  if type(x) ~= "number" then return tostring(x) end
  if x ~= x then return "NaN" end
  if x == huge then return "Inf" end
  if x == -huge then return "-Inf" end
  if x == floor(x) and abs(x) < 1e6 then return string.format("%d", x) end
  local a = abs(x)
  local text
  if a >= 1e5 or a < 1e-3 then
    text = string.format("%.3g", x)
  else
    text = string.format("%.4g", x)
  end
  return (text:gsub(",", "."))
end

---Renders a share as per cent.
---@param share number 0..1
---@return string such as "97 %", "0.4 %", "100 %"
function M.percent(share)
  if type(share) ~= "number" or share ~= share then return "NaN %" end
  local p = 100 * share
  local text
  if p ~= 0 and abs(p) < 0.1 then
    text = string.format("%.2g", p)
  elseif abs(p) < 10 and abs(p - floor(p + 0.5)) > 0.05 then
    text = string.format("%.1f", p)
  elseif p > 99 and p < 99.95 then
    text = string.format("%.1f", p)
  else
    text = string.format("%.0f", p)
  end
  return (text:gsub(",", ".")) .. " %"
end

---Joins names as "a, b and c", at most `most` of them.
---@param names string[]
---@param most integer|nil default 4
---@return string
function M.list(names, most)
  most = most or 4
  local n = #names
  if n == 0 then return "none" end
  if n == 1 then return names[1] end
  if n > most then
    return table.concat(names, ", ", 1, most) .. string.format(" and %d more", n - most)
  end
  return table.concat(names, ", ", 1, n - 1) .. " and " .. names[n]
end

return M
