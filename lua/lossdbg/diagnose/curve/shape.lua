--- How a recorded loss moved, from the bare curve: no rows were probed, its best constant answer
-- is unknown, and a point may be a step or the mean of an epoch. Same verdicts as movement.lua, so
-- that state.lua decides for both; what is judged is relative to where the curve began, but for a
-- blown-up beginning, which says nothing of what there was to lose.
local robust = require "lossdbg.diagnose.robust"

local M = {}

local finite = robust.finite

--- name = { limit, why }
M.limits = {
  blocks = { 40, "means of steps, so that the noise of batches is averaged out" },
  blown = { 10, "times the next point, at the very beginning: blown up, not trained" },
  hardly = { 0.05, "of its start: a loss that fell by less is hardly trained" },
  steady = { 0.15, "of the fall in the last third: half of what a straight line has there" },
  tail = { 0.02, "of its level over the last third: less has settled" },
  credible = { 0.05, "of its level: a tail that fell by more within its noise may fall" },
  credible_z = { 1.645, "standard errors of a tail's fall: 5 % by chance" },
  tail_z = { 1.645, "of Mann and Kendall's trend in the last third: 5 % by chance" },
  whole_z = { 2.326, "of the trend over the whole: 1 % by chance" },
  rise = { 0.1, "above the start" },
  rebound = { 2, "times the best block, and rising: what was learnt is lost again" },
  lost = { 0.05, "of what was learnt, at least: less is noise around a fit" },
  leap = { 10, "times the points before: no batch of a sound run is so far off" },
  before = { 9, "points, the level from which one leaps" },
  leap_z = { 4, "robust standard deviations of the noise of points, in logarithms: with one row a "
    .. "batch the loss of a sound run is ten times its median now and then" },
  swing_z = { 2, "times the change that the noise within blocks of steps explains" },
  fall_z = { 3, "standard deviations of the tail's points: less, without a trend, is no fall" },
  swing = { 0.2, "rise from a point to the next" },
  swings = { 0.25, "of the second half rise by so much" },
  turns = { 0.5, "of them change direction" },
  sway = { 0.02, "of the start, mean move of a point: less sways around a fit" },
  fit = { 0.1, "of the start, the median that points sway around: a fit, in small batches" },
  still = { 1e-6, "relative: the rounding of single precision" },
  abrupt = { 1e-3, "of its level, the last move before it stood still" },
  huge = { 1e3, "and more is left: no data of a sound scale leave so much" },
  decades = { 1e3, "times the end: where it began" },
  straight = { 0.99, "share of the logarithm's variance that a straight line explains" },
  few = { 6, "points: fewer show no trend" },
}

local function limit(name) return M.limits[name][1] end

local function mean(list, first, last)
  local sum = 0
  for i = first, last do sum = sum + list[i] end
  return sum / (last - first + 1)
end

-- Means of equal blocks, at most so many, and the change from a block to the next that the noise of
-- the points within them explains.
local function blocks_of(y)
  local size = math.ceil(#y / limit "blocks")
  if size == 1 then return y, 0 end
  local out, squares = {}, 0
  for i = 1, #y - size + 1, size do
    out[#out + 1] = mean(y, i, i + size - 1)
    for k = i, i + size - 1 do squares = squares + (y[k] - out[#out]) ^ 2 end
  end
  local variance = squares / (#out * (size - 1))
  return out, 2 / math.sqrt(math.pi) * math.sqrt(variance / size) -- E|a - b| of two normal means
end

---The place at which a curve begins that was blown up before.
---@param y number[]
---@return integer
local function beginning(y)
  local i = 1
  while i < #y and i <= #y // 4 and y[i] > limit "blown" * math.abs(y[i + 1]) do i = i + 1 end
  return i
end

-- How many times its level a point must be to leap: ten, and more where points are noisy, as they
-- are with few rows a batch.
local function least_leap(y, first)
  local list, window = {}, limit "before"
  for i = first + window, #y, math.max(1, (#y - first) // 200) do
    local before = robust.median(table.move(y, i - window, i - 1, 1, {}))
    if before > 0 and y[i] > 0 then list[#list + 1] = math.log(y[i] / before) end
  end
  if #list < window then return limit "leap" end
  local middle = robust.median(list)
  for i, value in ipairs(list) do list[i] = math.abs(value - middle) end
  return math.max(limit "leap", math.exp(limit "leap_z" * 1.4826 * robust.median(list)))
end

-- Points far above those just before them. What fell by orders of magnitude on its way leaps from
-- where it was, not from where it began or will end.
local function leaps(y, first)
  local count, worst, window = 0, nil, limit "before"
  local times = least_leap(y, first)
  local lowest, least = y[first], limit "sway" * math.abs(y[first])
  for i = first + 1, #y do
    local value = y[i]
    if i > #y // 5 and value > least and value > times * lowest then
      local before = robust.median(table.move(y, math.max(first, i - window), i - 1, 1, {}))
      if before > 0 and value > times * before then
        count, worst = count + 1, math.max(worst or 0, value)
      end
    end
    lowest = math.min(lowest, value)
  end
  return count, worst
end

-- Whether points jump up and down by a size that matters beside where the curve began.
local function swings(y, start, noise)
  local n = #y
  if n < 8 then return false end
  local rises, turns, last, moved, count = 0, 0, 0, 0, 0
  for i = n // 2 + 1, n do
    local change = y[i] - y[i - 1]
    local sign = change > 0 and 1 or change < 0 and -1 or 0
    count, moved = count + 1, moved + math.abs(change)
    if change > limit "swing" * math.abs(y[i - 1]) then rises = rises + 1 end
    if last ~= 0 and sign == -last then turns = turns + 1 end
    last = sign
  end
  if robust.median(table.move(y, n // 2 + 1, n, 1, {})) <= limit "fit" * start then return false end
  if moved / count <= limit "swing_z" * noise then return false end -- 0 for epochs
  return rises >= 2 and rises >= limit "swings" * count and turns >= limit "turns" * (count - 1)
    and moved / count >= limit "sway" * math.abs(start)
end

-- Fall per point by the median of all slopes (Theil 1950, Sen 1968).
local function slope_of(y)
  local slopes = {}
  for i = 1, #y - 1 do
    for j = i + 1, #y do slopes[#slopes + 1] = (y[j] - y[i]) / (j - i) end
  end
  return robust.median(slopes) or 0
end

-- The last third: how far it fell, relative to its level, and whether that is more than noise.
local function tail_of(b)
  local n = #b
  local first = math.max(1, n - math.max(4, n // 3) + 1)
  local list = table.move(b, first, n, 1, {})
  local level, slope = robust.median(list) or 0, slope_of(list)
  local fall, squares = -slope * (#list - 1), 0
  for i, value in ipairs(list) do
    squares = squares + (value - level - slope * (i - (#list + 1) / 2)) ^ 2
  end
  local se = math.sqrt(squares / math.max(1, #list - 2)) * math.sqrt(12 / #list)
  local scale = level ~= 0 and math.abs(level) or 1
  return { n = #list, fall = fall, relative = fall / scale, level = level,
    se = se, sd = math.sqrt(squares / math.max(1, #list - 2)),
    most = (fall + limit "credible_z" * se) / scale, z = robust.mann_kendall(list) or 0 }
end

local function is_still(y)
  local lo, hi = math.huge, -math.huge
  for i = math.max(1, #y - 9), #y do lo, hi = math.min(lo, y[i]), math.max(hi, y[i]) end
  return #y >= 3 and hi - lo <= limit "still" * math.max(math.abs(hi), math.abs(lo))
end

-- Whether it stopped from one point to the next: what converges slows down first.
local function is_abrupt(y)
  for i = #y, 2, -1 do
    local move = math.abs(y[i] - y[i - 1])
    if move > limit "still" * math.abs(y[i]) then return move > limit "abrupt" * math.abs(y[i]) end
  end
  return false
end

-- More than `hardly` was lost: still falling, or settled. A tail whose noise hides what would count
-- goes with the whole: what fell so far has not settled for want of proof.
local function fallen(m, tail)
  if tail.relative > limit "tail" and -tail.z > limit "tail_z" then return "falling" end
  if tail.most < limit "credible" then return "settled" end
  return m.z < -limit "whole_z" and "falling" or "undetermined"
end

-- Less was lost: it crawls all the way, or stands.
local function standing(m, tail)
  if m.still then return "still" end
  local steady = m.fall > 0 and tail.fall > limit "steady" * m.fall * math.abs(m.start)
  if steady and m.z < -limit "whole_z" then return "crawling" end
  return m.points < limit "few" and "undetermined" or "still"
end

-- Whether what it fell by is no more than its noise, and without a trend.
local function noise_only(m, tail)
  return m.long and m.z > -limit "tail_z" and m.start - m.stop < limit "fall_z" * tail.sd
end

local function verdict_of(m, tail, y)
  if m.leaps >= 2 then return "leaping" end
  local rising = tail.z > limit "tail_z"
  if m.fall <= -limit "rise" and (rising or m.points < limit "few") then return "rising" end
  if swings(y, m.start, m.noise) then return "swinging" end
  local lost = m.best > 0 and m.stop > limit "rebound" * m.best
    and m.stop - m.best > limit "lost" * (m.start - m.best)
  if rising and lost then return "rising" end
  if m.fall < limit "hardly" or noise_only(m, tail) then return standing(m, tail) end
  if m.points < 3 then return "undetermined" end
  return fallen(m, tail)
end

-- What a fall is measured by: where it began; from 0, the farthest that it came.
local function scale_of(start, b)
  if start ~= 0 then return math.abs(start) end
  local far = 0
  for _, value in ipairs(b) do far = math.max(far, math.abs(value)) end
  return far
end

---A curve that falls by the same factor over decades from where no training begins: weights that a
---first step blew up and that shrink back.
local function shrinks_back(b, first)
  local n = #b
  if n < 5 or not (b[n] >= limit "huge") or first / b[n] < limit "decades" then return false end
  local sx, sy, sxx, sxy, syy = 0, 0, 0, 0, 0
  for i = 1, n do
    local v = math.log(b[i])
    sx, sy, sxx, sxy, syy = sx + i, sy + v, sxx + i * i, sxy + i * v, syy + v * v
  end
  local cov = sxy - sx * sy / n
  local r2 = cov * cov / ((sxx - sx * sx / n) * (syy - sy * sy / n))
  return r2 > limit "straight"
end

---@class lossdbg.CurveShape: lossdbg.Movement
---@field start number where it began, after what was blown up
---@field blown integer points at the beginning that were blown up
---@field tail { fall: number, relative: number, z: number, level: number }
---@field shrinks_back boolean
---@field abrupt boolean it stood still from one point to the next

---@param y number[] a loss, oldest first
---@param axis "epoch"|"step" what a point is
---@return lossdbg.CurveShape
function M.of(y, axis)
  local m = { points = #y, steps = axis == "step" and #y or 0, epochs = axis == "epoch" and #y or 0,
    leaps = 0, worst = 0, blown = 0, long = false }
  for i, value in ipairs(y) do
    if not finite(value) then
      m.verdict, m.nonfinite_at, m.first = "nonfinite", i, y[1]
      return m
    end
  end
  if #y == 0 then
    m.verdict = "undetermined"
    return m
  end
  local from = beginning(y)
  local b, noise = blocks_of(table.move(y, from, #y, 1, {}))
  m.blown, m.points = from - 1, #b
  m.first, m.last, m.start, m.still, m.noise = y[1], y[#y], b[1], is_still(y),
    axis == "step" and noise or 0
  m.stop = mean(b, math.max(1, #b - math.max(1, #b // 10) + 1), #b)
  m.best = math.min(table.unpack(b))
  m.fall = m.start ~= m.stop and (m.start - m.stop) / scale_of(m.start, b) or 0
  m.z = robust.mann_kendall(b) or 0
  m.leaps, m.worst = leaps(y, from)
  m.tail = tail_of(b)
  m.long = m.points >= 2 * limit "few"
  m.shrinks_back = shrinks_back(b, y[1])
  m.abrupt = m.still and is_abrupt(y)
  m.verdict = verdict_of(m, m.tail, b)
  return m
end

return M
