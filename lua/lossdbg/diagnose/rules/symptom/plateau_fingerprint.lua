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
      .. " the target, the floor ln(1 + (K-1)/e) of two softmaxes in a row, the clipping value of a"
      .. " logarithm, the floor of soft or contradicting targets.",
    formula = "|level - constant| within the errors of the level, not undercut by any block;"
      .. " only while the loss is flat and not fitted",
    source = "own; seen in public threads (stuck at 1.386 = ln 4; 0.74 = two softmaxes, K = 4)",
    false_alarms = "coincidence: it only names, the error is raised by the structural rule",
  },
}

local function add(list, value, name, cause)
  if value and value == value and value > 0 then
    list[#list + 1] = { value = value, name = name, cause = cause }
  end
end

local function add_classes(list, classes, units, double)
  local k = units and units > 1 and units or classes
  if not k or k < 2 then return end
  if double then
    add(list, math.log(1 + (k - 1) / math.exp(1)),
      "the floor of two softmaxes in a row, ln(1 + (K-1)/e)", "double_softmax")
  end
  add(list, math.log(k), "ln " .. k .. ", all classes equally likely")
end

local function constants(case)
  local facts, list = case.facts, {}
  local data = case.signals.data or {}
  local y, loss = data.y or {}, facts:loss()
  if case.signals.baseline then
    add(list, case.signals.baseline, case.signals.baseline_name or "the best constant answer")
  end
  if (loss.name or ""):find("crossentropy") then
    local softmax = facts.net.output_activation == "softmax"
    add_classes(list, facts.classes, facts:units(), softmax and loss.from_logits)
    add(list, 15.942, "the clipping value -ln(1.19e-7) of the logarithm", "output_range_mismatch")
    add(list, 16.118, "the clipping value -ln(1e-7) of the logarithm", "output_range_mismatch")
    if facts.net.output_activation == "sigmoid" and loss.from_logits and y.mean then
      add(list, 0.3133 * y.mean + 0.6931 * (1 - y.mean), "the floor of two sigmoids in a row",
        "double_softmax")
    end
  end
  if data.conflicts and data.conflicts.floor then
    add(list, data.conflicts.floor, "the floor of contradicting rows", "loss_floor_soft_targets")
  end
  if y.soft_floor then
    add(list, y.soft_floor, "the floor of soft targets", "loss_floor_soft_targets")
  end
  return list
end

local function level_of(case)
  local final, trend = case.signals.final or {}, case.signals.trend or {}
  return final.level or trend.last or case.facts.level, final.se or 0, trend.best
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
