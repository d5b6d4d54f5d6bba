local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "saturated_output", cause = "output_range_mismatch", family = "activation",
  class = "suggestive",
  needs = { "final.output.max_prob_mean" }, cost = "forward",
  least = { n = 30 }, role = "symptom",
  limits = {
    certain = { 0.999, "a mean of the largest probability that only a decided network has" },
    right = { 0.95, "who is right that often may be certain" },
  },
  doc = {
    what = "The network is certain of every answer although many are wrong: logits have run away,"
      .. " and the probabilities no longer pass a gradient.",
    formula = "mean of the largest probability against the accuracy",
    source = "DeepDiagnosis, own bound",
    false_alarms = "a perfectly fitted training set is certain and right: silent",
  },
}

function M.check(case, limits)
  local facts, p = case.facts, case.signals.final.output.max_prob_mean
  if facts.task == "regression" or (facts:units() or 2) < 2 then
    return nil, "not applicable: no class probabilities"
  end
  local accuracy = case.signals.accuracy
  if not accuracy then return nil, "cannot tell: accuracy was not measured" end
  if p <= limits.certain or accuracy >= limits.right or facts:well_fitted() then return nil end
  return finding.new(M, {
    title = string.format("answers are certain (mean probability %s) but only %s are right",
      numfmt.number(p), numfmt.percent(accuracy)),

    where = facts:where(facts.net.output and facts.net.output.path),
    evidence = { finding.evidence("mean of the largest probability", p, "near the accuracy"),
      finding.evidence("accuracy", accuracy) },
    fixes = { { text = "smooth the labels", patch = { loss = { label_smoothing = 0.1 } } } },
  })
end

return M
