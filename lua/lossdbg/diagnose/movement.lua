--- How a loss moved, from its series alone: it falls, crawls, stands, settles, rises, leaps or
-- swings, or it is too early to tell and so many more steps would do.
--
-- Everything is relative to what there was to lose (the start minus the floor), so that a loss
-- times ten, or one that started low because the initial weights happened to be good, moves as
-- much as any other.
local core = require "lossdbg.core"
local robust = require "lossdbg.diagnose.robust"

local M = {}

local finite, huge = robust.finite, math.huge

--- name = { limit, why }
M.limits = {
  hardly = { 0.05, "of what there was to lose: less than that is no training, however it began" },
  rise = { 0.1, "above the start, of what there was to lose: batches of one run differ by less" },
  rebound = { 2, "times the best block, with a rising trend: what was learnt is lost again" },
  leap = { 10, "times the level: no batch of a sound run is so far off" },
  leaps = { 2, "of them after the first fifth: one may be a batch of outliers" },
  swing = { 0.2, "rise from one epoch to the next, which averages the noise of batches out" },
  swings = { 0.25, "of the epochs of the second half rise by so much" },
  turns = { 0.5, "of them change direction" },
  still = { 1e-6, "relative: the rounding of single precision" },
  long_steps = { 200, "a run this long is judged even where the trend test cannot decide" },
  long_epochs = { 20, "so is one of that many epochs" },
}

local function limit(name) return M.limits[name][1] end

local window = 20 -- blocks of the trend test

-- What rules and verdicts read of the test; the rest is how it was found.
local of_trend = { "verdict", "z", "slope", "blocks", "first", "last", "best", "level", "se",
  "noise_cv", "more_steps" }

--- The trend of a loss given per step: blocks of one epoch where there are enough epochs, else
-- equal parts of the run.
---@param losses number[]?
---@param steps_per_epoch? integer
---@param floor? number the least that the loss can be
---@return table?
function M.trend(losses, steps_per_epoch, floor)
  if not losses or #losses == 0 then return nil end
  local epoch = steps_per_epoch or #losses
  local block = #losses // epoch >= 6 and epoch or math.max(1, #losses // window)
  local found = core.diagnose.trend(losses, { block = block, window = window, floor = floor })
  local trend = {}
  for _, name in ipairs(of_trend) do trend[name] = found[name] end
  return trend
end

---First entry that is not finite, or nil.
local function nonfinite_at(list)
  for i = 1, list and #list or 0 do
    if not finite(list[i]) then return i end
  end
  return nil
end

---Entries after the first fifth that leap far over the larger of level and median: divergence that
---may recover and leap again.
local function leaps(list, reference)
  local n = list and #list or 0
  if n < 5 then return 0, 0 end
  local level = math.max(reference or 0, robust.median(list) or 0)
  if level <= 0 then return 0, 0 end
  local count, worst = 0, 0
  for i = math.max(2, n // 5 + 1), n do
    if list[i] > limit "leap" * level then count, worst = count + 1, math.max(worst, list[i]) end
  end
  return count, worst
end

---Constant to rounding over the last three epochs or more (all of them up to ten).
local function is_still(list)
  local n = list and #list or 0
  if n < 3 then return false end
  local lo, hi = huge, -huge
  for i = math.max(1, n - 9), n do lo, hi = math.min(lo, list[i]), math.max(hi, list[i]) end
  return hi - lo <= limit "still" * math.max(math.abs(hi), math.abs(lo))
end

---Whether whole epochs jump up and down.
local function is_swinging(list)
  local n = list and #list or 0
  if n < 8 then return false end
  local rises, turns, last, steps = 0, 0, 0, 0
  for i = n // 2 + 1, n do
    local change = list[i] - list[i - 1]
    local sign = change > 0 and 1 or change < 0 and -1 or 0
    steps = steps + 1
    if change > limit "swing" * math.abs(list[i - 1]) then rises = rises + 1 end
    if last ~= 0 and sign == -last then turns = turns + 1 end
    last = sign
  end
  return rises >= 2 and rises >= limit "swings" * steps and turns >= limit "turns" * (steps - 1)
end

local function mean(list, first, last)
  local sum = 0
  for i = first, last do sum = sum + list[i] end
  return sum / (last - first + 1)
end

---Start and end of a series, each a mean over a few entries, and how many.
local function ends(list)
  local n = #list
  local few = math.max(1, math.min(5, n // 4))
  return mean(list, 1, few), mean(list, n - math.max(few, n // 20) + 1, n), few
end

local function share(start, stop, floor)
  local room = start - (floor or 0)
  if not finite(start) or not finite(stop) or room <= 0 or (not floor and stop < 0) then
    return nil
  end
  return (start - stop) / room
end

---The share of what there was to lose that was lost: the larger of what the curve shows and what
---the same rows show before and after, since either can be blind (noise; moving statistics).
local function fall_of(i, trend, start, stop, few)
  local by_curve = share(start, stop, i.floor)
  local noise = 2 * (finite(trend.noise_cv) and trend.noise_cv or 0) / math.sqrt(few)
  local by_rows = i.start and i.level and share(i.start, i.level, i.floor)
  if by_curve and math.abs(by_curve) < noise and by_rows then by_curve = by_rows end
  if by_rows and (not by_curve or by_rows > by_curve) then return by_rows end
  return by_curve
end

local function verdict_of(i, m, trend)
  if m.leaps >= limit "leaps" then return "leaping" end
  if trend.verdict ~= "decreasing" then
    local lost = trend.verdict == "increasing" and finite(trend.best) and trend.best > 0
      and trend.last > limit "rebound" * trend.best
    if lost or m.fall and m.fall <= -limit "rise" then return "rising" end
  end
  if m.still and not m.fall then return "still" end
  if m.fall and m.fall < limit "hardly" then
    if trend.verdict == "decreasing" then return "crawling" end
    if trend.verdict ~= "undetermined" or m.long then return "still" end
    return "undetermined"
  end
  if trend.verdict == "decreasing" then return "falling" end
  if is_swinging(i.epochs) then return "swinging" end
  if trend.verdict == "undetermined" then return m.long and "settled" or "undetermined" end
  return "settled"
end

---@class lossdbg.MovementInput
---@field losses number[]? per step
---@field epochs number[]? per epoch
---@field steps_per_epoch integer?
---@field trend table? of losses, where it was tested already
---@field start number? loss of some rows before the first step
---@field level number? loss of the same rows at the end
---@field floor number? the least that the loss can be; 0 where it is not given
---@field baseline number? loss of the best constant answer

---@class lossdbg.Movement
---@field verdict "nonfinite"|"leaping"|"rising"|"falling"|"crawling"|"still"|"settled"|"swinging"|
---  "undetermined"
---@field fall number? share of what there was to lose that was lost
---@field first number? of the series
---@field last number?
---@field stop number? mean of the last entries
---@field steps integer
---@field long boolean long enough to be judged even where the trend test cannot decide
---@field more_steps integer? that would decide
---@field leaps integer
---@field worst number highest leap
---@field nonfinite_at integer? step or epoch of the first loss that is no number

---@param i lossdbg.MovementInput
---@return lossdbg.Movement
function M.of(i)
  local list = i.losses and #i.losses > 0 and i.losses or i.epochs or {}
  local epochs = i.epochs and #i.epochs or 0
  local m = { steps = i.steps or i.losses and #i.losses or 0, epochs = epochs, leaps = 0,
    worst = 0, nonfinite_at = nonfinite_at(i.losses) or nonfinite_at(i.epochs) }
  m.long = m.steps >= limit "long_steps" or epochs >= limit "long_epochs"
  if m.nonfinite_at then
    m.verdict = "nonfinite"
    return m
  end
  local trend = i.trend or M.trend(list, i.losses and i.steps_per_epoch or 1, i.floor)
  if not trend then
    m.verdict = "undetermined"
    return m
  end
  m.first, m.last = trend.first or list[1], trend.last or list[#list]
  m.trend, m.z, m.more_steps = trend.verdict, trend.z, trend.more_steps
  local a, worst_a = leaps(i.losses, i.baseline)
  local b, worst_b = leaps(i.epochs, i.baseline)
  m.leaps, m.worst = math.max(a, b), math.max(worst_a, worst_b)
  m.still = is_still(i.epochs)
  if #list > 0 then
    local start, stop, few = ends(list)
    m.stop, m.fall = stop, fall_of(i, trend, start, stop, few)
  end
  m.verdict = verdict_of(i, m, trend)
  return m
end

return M
