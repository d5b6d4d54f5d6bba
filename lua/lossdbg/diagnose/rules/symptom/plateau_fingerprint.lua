local core = require "lossdbg.core"
local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "plateau_fingerprint", cause = nil, family = "symptom", class = "measured",
  role = "symptom", needs = { "trend|epoch_loss", "description.loss" }, cost = "free",
  least = { steps = 20 },
  limits = {
    errors = { 3, "standard errors of the level" },
    share = { 0.003, "of the constant: a level is rarely known better" },
  },
  doc = {
    what = "The level at which a loss is stuck often is a known constant that names the reason:"
      .. " ln K (all classes equally likely), the entropy of the class frequencies, the variance of"
      .. " the target, the floor ln(1 + (K-1)/e) of two softmaxes in a row, the clipped logarithm"
      .. " times the share of wrong answers, the floor of smoothed or contradicting targets.",
    formula = "the constants of csrc/diagnose/fingerprint.h: |level - constant| within the errors"
      .. " of the level, not undercut by any block; only while the loss is flat and not fitted",
    source = "own; seen in public threads (stuck at 1.386 = ln 4; 0.74 = two softmaxes, K = 4)",
    false_alarms = "coincidence: it only names, the error is raised by the structural rule",
  },
}

-- What stands behind a level, besides that nothing is learnt from the inputs.
local CAUSES = {
  double_softmax = "double_softmax", double_sigmoid = "double_softmax",
  saturated = "output_range_mismatch", binary_saturated = "output_range_mismatch",
  binary_saturated_torch = "output_range_mismatch",
  smoothing_floor = "loss_floor_soft_targets", binary_smoothing_floor = "loss_floor_soft_targets",
  conflict_floor = "loss_floor_soft_targets", binary_conflict_floor = "loss_floor_soft_targets",
  squared_conflict_floor = "loss_floor_soft_targets",
}

-- A loss squashed twice has a floor of its own only where it is.
local TWICE = { double_softmax = "softmax", double_sigmoid = "sigmoid" }

local FAMILIES = { crossentropy = "cross_entropy", categorical_crossentropy = "cross_entropy",
  sparse_crossentropy = "cross_entropy", binary_crossentropy = "binary", mse = "squared",
  mae = "absolute" }

-- What the core computes its constants from (csrc/diagnose/fingerprint.h).
local function known_of(case, family)
  local facts, loss, s = case.facts, case.facts:loss(), case.signals
  local y, units = facts.y or {}, facts:units()
  local ones = family == "binary"
  return { family = family, classes = units and units > 1 and units or facts.classes,
    prior = not ones and y.prior or nil, positive = ones and y.mean or nil,
    smoothing = loss.label_smoothing, wrong = s.accuracy and 1 - s.accuracy or nil,
    variance = y.var, mean_square = y.mean_square, mean_absolute = y.mean_absolute,
    conflict = s.data and s.data.conflicts and s.data.conflicts.floor }
end

---@return { value: number, name: string, cause: string|nil }[]
local function constants(case)
  local facts, list = case.facts, {}
  local loss, s = facts:loss(), case.signals
  if s.baseline then
    list[1] = { value = s.baseline, name = s.baseline_name or "the best constant answer" }
  end
  local family = FAMILIES[loss.name or ""]
  if not family then return list end
  for _, one in ipairs(core.diagnose.fingerprints(known_of(case, family))) do
    local twice = TWICE[one.name]
    if one.value > 0 and (not twice
      or loss.from_logits and facts.net.output_activation == twice) then
      list[#list + 1] = { value = one.value, name = one.text, cause = CAUSES[one.name] }
    end
  end
  return list
end

local function level_of(case)
  local final, trend = case.signals.final or {}, case.signals.trend or {}
  return trend.level or final.loss or trend.last, trend.se or 0, trend.best
end

function M.check(case, limits)
  local facts = case.facts
  if facts.nonfinite or facts.state == "diverging" then return nil end
  if facts.trend == "undetermined" and not facts.failed then
    return nil, "cannot tell: the trend is undecided"
  end
  if facts.trend == "decreasing" or facts:well_fitted() then return nil end
  local level, se, best = level_of(case)
  if not level then return nil, "cannot tell: the level of the loss is not known" end
  local match, distance
  for _, c in ipairs(constants(case)) do
    local room = math.max(limits.errors * se, limits.share * c.value)
    local off = math.abs(level - c.value)
    if off < room and not (best and best < c.value - room) and (not match or off < distance) then
      match, distance = c, off
    end
  end
  if not match then return nil end
  return finding.new(M, {
    title = string.format("the loss is stuck at %s = %s", numfmt.number(level), match.name),
    cause = match.cause,
    evidence = { finding.evidence("level of the loss", level),
      finding.evidence("constant", match.value, nil, match.name),
      finding.evidence("difference", distance, "n/a") },
    fixes = {},
  })
end

return M
