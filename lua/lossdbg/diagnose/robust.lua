--- Small statistics that the rules share: they take any list and ignore what is not finite.
local M = {}

local huge = math.huge

---@param x any
---@return boolean true for a number that is neither NaN nor infinite
function M.finite(x) return type(x) == "number" and x == x and x ~= huge and x ~= -huge end
local finite = M.finite

---@param list number[]
---@param first integer|nil default 1
---@return number|nil median of the finite entries from `first` on
function M.median(list, first)
  local sorted = {}
  for i = first or 1, #list do
    if finite(list[i]) then sorted[#sorted + 1] = list[i] end
  end
  local n = #sorted
  if n == 0 then return nil end
  table.sort(sorted)
  if n % 2 == 1 then return sorted[(n + 1) // 2] end
  return 0.5 * (sorted[n // 2] + sorted[n // 2 + 1])
end

---Mann-Kendall statistic of a series: z = (S -/+ 1) / sqrt(n(n-1)(2n+5)/18).
---@param list number[]
---@return number|nil z nil for fewer than 4 values
function M.mann_kendall(list)
  local n = #list
  if n < 4 then return nil end
  local s = 0
  for i = 1, n - 1 do
    for j = i + 1, n do
      if list[j] > list[i] then s = s + 1 elseif list[j] < list[i] then s = s - 1 end
    end
  end
  local sd = math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
  if s > 0 then return (s - 1) / sd elseif s < 0 then return (s + 1) / sd end
  return 0
end

return M
