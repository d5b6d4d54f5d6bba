--- Levels at which a recorded loss stands, by the constants of csrc/diagnose/fingerprint.h, from
-- what is known beside the curve: classes, their counts, the targets, the accuracy at the end.
local core = require "lossdbg.core"

local M = {}

--- name = { limit, why }
M.limits = {
  above = { 1.2, "times ln K, where a first epoch of K classes lies at most" },
  begun = { 0.6, "of the way from the floor to ln K, where a first epoch of two softmaxes begins" },
  floor_sd = { 0.005, "of the floor, the noise of the tail where no accuracy speaks" },
  floor_wrong = { 0.1, "wrong answers at the floor of two softmaxes" },
}

local function limit(name) return M.limits[name][1] end

-- Numbers of classes that are tried where none is known; the levels of larger ones lie too close.
local GUESSES = { 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 100, 1000 }

---@class lossdbg.CurveFacts
---@field family "cross_entropy"|"binary"|"squared"|"absolute"|nil
---@field classes integer|nil
---@field prior number[]|nil shares of the classes
---@field positive number|nil share of ones, of two classes
---@field variance number|nil of the targets; mean_square, mean_deviation, mean_absolute likewise
---@field wrong number|nil share of wrong answers at the end
---@field units integer|nil of the output
---@field activation string|nil of the output
---@field loss string|nil name of the loss
---@field lr number|nil
---@field nonfinite_data string|false|nil file of the data that holds NaN; false: none does

---Facts that follow from what a user tells.
---@param facts lossdbg.CurveFacts
---@param o { classes: integer, counts: integer[], task: string }
function M.tell(facts, o)
  if o.counts then
    local total = 0
    for _, n in ipairs(o.counts) do total = total + n end
    facts.prior = {}
    for i, n in ipairs(o.counts) do facts.prior[i] = n / total end
    facts.classes = #o.counts
    if #o.counts == 2 then facts.positive = facts.prior[2] end
  end
  facts.classes = o.classes or facts.classes
  if o.task == "regression" then
    facts.family = facts.family or "squared"
  elseif o.task == "binary" then
    facts.classes = facts.classes or 2
  end
end

local function families_of(facts)
  if facts.family then return { facts.family } end
  if facts.classes == 2 then return { "cross_entropy", "binary" } end
  if facts.classes then return { "cross_entropy" } end
  if facts.variance then return { "squared", "absolute" } end
  return {}
end

---Loss of the best constant answer, and its name.
---@param facts lossdbg.CurveFacts
---@return number|nil
---@return string|nil
function M.baseline(facts)
  local family = facts.family or facts.classes and "cross_entropy" or facts.variance and "squared"
  if (family == "cross_entropy" or family == "binary") and facts.prior then
    local h = 0
    for _, p in ipairs(facts.prior) do
      if p > 0 then h = h - p * math.log(p) end
    end
    return h > 0 and h or nil, "the entropy of the class frequencies"
  end
  if family == "squared" then return facts.variance, "the variance of the targets" end
  if family == "absolute" then return facts.mean_deviation, "the mean deviation of the targets" end
end

local function matches(family, facts, shape, list)
  local tail = shape.tail
  for _, level in ipairs(core.diagnose.fingerprints {
    family = family, mean = shape.stop, se = math.min(tail.se, 0.003 * math.abs(shape.stop)),
    lowest = shape.best, block_sd = tail.se, classes = facts.classes, prior = facts.prior,
    positive = facts.positive, variance = facts.variance, mean_square = facts.mean_square,
    mean_deviation = facts.mean_deviation, mean_absolute = facts.mean_absolute,
    wrong = facts.wrong,
  }) do
    if level.matched and level.value > 0 then list[#list + 1] = level end
  end
end

-- A class count that nobody told needs what else a curve of so many classes has: it begins about
-- where all get the same probability, and two softmaxes at their floor answer nearly all right.
local function fits(level, classes, shape, facts)
  local most = math.log(classes)
  if shape.first > limit "above" * most or shape.first < level.value then return false end
  if level.name ~= "double_softmax" then return true end
  return shape.first >= level.value + limit "begun" * (most - level.value)
    and (facts.wrong or 0) <= limit "floor_wrong"
    and (facts.wrong or shape.tail.sd <= limit "floor_sd" * level.value)
end

---Levels that the end of a curve matches, nearest first.
---@param shape lossdbg.CurveShape
---@param facts lossdbg.CurveFacts
---@return { name: string, text: string, value: number, classes: integer|nil }[]
---@return boolean near a number of classes has a level there, but the curve is not one of so many
function M.find(shape, facts)
  local list, near = {}, false
  if not shape.stop or shape.nonfinite_at then return list, near end
  for _, family in ipairs(families_of(facts)) do matches(family, facts, shape, list) end
  if #list == 0 and not facts.classes and not facts.family and not facts.variance then
    for _, classes in ipairs(GUESSES) do
      local before = #list
      matches("cross_entropy", { classes = classes, wrong = facts.wrong }, shape, list)
      for i = #list, before + 1, -1 do
        list[i].classes = classes
        if not fits(list[i], classes, shape, facts) then
          near = near or list[i].name ~= "double_softmax"
          table.remove(list, i)
        end
      end
    end
  end
  table.sort(list, function(a, b)
    if a.distance ~= b.distance then return a.distance < b.distance end
    return a.name < b.name
  end)
  return list, near
end

return M
