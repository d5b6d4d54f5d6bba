local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "epochs_insufficient", cause = "too_few_epochs", family = "symptom", severity = "info",
  needs = { "trend" }, cost = "free", explains = { "underfitting" },
  doc = {
    what = "The loss was still falling when training stopped.",
    formula = "trend still decreasing and the slope per block, projected over one more budget,"
      .. " promises more than 5 % of the loss",
    threshold = "as in the formula; warning while skill < 0.5, remark otherwise",
    source = "Tuning Playbook (in words), DeepFD (learnt label)",
    false_alarms = "nearly every early-stopped run: never an error",
  },
}

function M.check(case)
  local facts, trend = case.facts, case.signals.trend
  if trend.verdict == "undetermined" then return nil, "cannot tell: the trend is undecided" end
  if trend.verdict ~= "decreasing" or facts:well_fitted() or facts.nonfinite then return nil end
  local slope, blocks = trend.slope, trend.blocks
  if not slope or not blocks then return nil, "cannot tell: the slope was not measured" end
  local gain = 1 - math.exp(-math.abs(slope) * blocks)
  if gain <= 0.05 then return nil end
  local epochs = case.description.epochs or facts.epochs
  local short = facts.skill and facts.skill < 0.5
  return finding.new(M, {
    title = string.format("the loss was still falling at the end (%s, about %s more in as many"
      .. " epochs)", numfmt.number(facts.level or trend.last or 0), numfmt.percent(gain)),
    severity = short and "warn" or "info", confidence = short and 0.55 or 0.4,
    evidence = { finding.evidence("relative fall per block", math.abs(slope)),
      finding.evidence("trend statistic z", trend.z or 0, "over -2.33 when settled") },
    fixes = { epochs > 0 and { text = string.format("train for %d epochs", 2 * epochs),
      patch = { epochs = 2 * epochs } } or { text = "train for twice as many steps" } },
  })
end

return M
