local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "saturated_output", cause = "output_range_mismatch", family = "activation",
  severity = "warn", needs = { "final.output.max_prob_mean" }, cost = "forward",
  least = { n = 30 }, explains = { "zero_gradient_layer" }, role = "symptom",
  doc = {
    what = "The network is certain of every answer although many are wrong: logits have run away,"
      .. " and the probabilities no longer pass a gradient.",
    formula = "mean of the largest probability against the accuracy",
    threshold = "> 0.999 with accuracy under 0.95",
    source = "DeepDiagnosis, own bound",
    false_alarms = "a perfectly fitted training set is certain and right: silent",
  },
}

function M.check(case)
  local facts, p = case.facts, case.signals.final.output.max_prob_mean
  if facts.task == "regression" or (facts:units() or 2) < 2 then
    return nil, "not applicable: no class probabilities"
  end
  local accuracy = case.signals.accuracy
  if not accuracy then return nil, "cannot tell: accuracy was not measured" end
  if p <= 0.999 or accuracy >= 0.95 or facts:well_fitted() then return nil end
  return finding.new(M, {
    title = string.format("answers are certain (mean probability %s) but only %s are right",
      numfmt.number(p), numfmt.percent(accuracy)),
    severity = "warn", confidence = 0.6,
    where = facts:where(facts.net.output and facts.net.output.path),
    evidence = { finding.evidence("mean of the largest probability", p, "near the accuracy"),
      finding.evidence("accuracy", accuracy) },
    fixes = { { text = "smooth the labels", patch = { loss = { label_smoothing = 0.1 } } } },
  })
end

return M
