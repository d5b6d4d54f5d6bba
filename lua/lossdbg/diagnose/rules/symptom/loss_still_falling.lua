local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "loss_still_falling", cause = "too_few_epochs", family = "symptom",
  needs = { "trend" }, cost = "free",
  limits = {
    gain = { 0.05, "a twentieth of the loss in as many steps again" },
    much = { 0.3, "a third of it: the training was cut, not finished" },
  },
  doc = {
    what = "The loss was still falling when training stopped.",
    formula = "trend still decreasing, and the slope per block, projected over one more budget",
    source = "Tuning Playbook (in words), DeepFD (learnt label)",
    false_alarms = "nearly every early-stopped run",
  },
}

function M.check(case, limits)
  local facts, trend = case.facts, case.signals.trend
  if lost.much(case) then
    return nil, "not applicable: a plain fit learns more in as many steps"
  end
  if trend.verdict == "undetermined" then return nil, "cannot tell: the trend is undecided" end
  if trend.verdict ~= "decreasing" or facts:well_fitted() or facts.nonfinite then return nil end
  local slope, blocks = trend.slope, trend.blocks
  if not slope or not blocks then return nil, "cannot tell: the slope was not measured" end
  local gain = 1 - math.exp(-math.abs(slope) * blocks)
  if gain <= limits.gain then return nil end
  local epochs = case.description.epochs or facts.epochs
  return finding.new(M, {
    title = string.format("the loss was still falling at the end (%s, about %s more in as many"
      .. " epochs)", numfmt.number(facts.level or trend.last or 0), numfmt.percent(gain)),

    class = gain > limits.much and "measured" or "suggestive", strength = gain / limits.gain,
    evidence = { finding.evidence("relative fall per block", math.abs(slope)),
      finding.evidence("trend statistic z", trend.z or 0) },
    fixes = { epochs > 0 and { text = string.format("train for %d epochs", 2 * epochs),
      patch = { epochs = 2 * epochs } } or { text = "train for twice as many steps" } },
  })
end

return M
