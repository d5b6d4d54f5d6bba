--- Time per call, by wall clock: what is called often enough to last, several times over.
local clock = require("lossdbg.core").clock

local M = {}

---Calls fn n times.
---@param fn fun(): any
---@param n integer
---@return number seconds
---@return any last what the last call returned
function M.times(fn, n)
  local last
  local start = clock()
  for _ = 1, n do last = fn() end
  return clock() - start, last
end

---A warm-up that also finds how many calls take `seconds`.
---@param fn fun(): any
---@param seconds number
---@return integer n
---@return number per_call seconds
function M.calibrate(fn, seconds)
  local n = 1
  while true do
    local spent = M.times(fn, n)
    if spent >= seconds / 2 then return math.max(1, math.ceil(n * seconds / spent)), spent / n end
    n = math.max(n + 1, math.min(n * 10, math.ceil(n * seconds / math.max(spent, 1e-9))))
  end
end

---Median, least and greatest of a list; NaN counts as greatest.
---@param list number[]
---@return { median: number, min: number, max: number }
function M.spread(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted, function(a, b)
    if a ~= a then return false end
    return b ~= b or a < b
  end)
  local middle = (#sorted + 1) // 2
  local median = #sorted % 2 == 1 and sorted[middle] or (sorted[middle] + sorted[middle + 1]) / 2
  return { median = median, min = sorted[1], max = sorted[#sorted] }
end

---Microseconds a call of several functions whose repeats take turns, so that what disturbs the
---machine disturbs all of them.
---@param fns (fun(): any)[]
---@param repeats? integer
---@param seconds? number of one repeat
---@return { median: number, min: number, max: number, list: number[] }[]
function M.interleaved(fns, repeats, seconds)
  repeats, seconds = repeats or 5, seconds or 0.2
  local counts, lists, result = {}, {}, {}
  for i, fn in ipairs(fns) do counts[i], lists[i] = M.calibrate(fn, seconds), {} end
  for r = 1, repeats do
    for k = 1, #fns do
      local i = (k + r) % #fns + 1 -- nobody is always first
      lists[i][r] = M.times(fns[i], counts[i]) / counts[i] * 1e6
    end
  end
  for i, list in ipairs(lists) do
    result[i] = M.spread(list)
    result[i].list = list
  end
  return result
end

---Peak resident memory of this process in MB; nil where the system does not say.
---@return number|nil
function M.peak_mb()
  local file = io and io.open "/proc/self/status"
  if not file then return nil end
  local kilobytes = file:read("a"):match "VmHWM:%s*(%d+)"
  file:close()
  return kilobytes and tonumber(kilobytes) / 1024
end

return M
