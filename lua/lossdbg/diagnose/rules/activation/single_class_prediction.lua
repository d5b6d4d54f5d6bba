local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "single_class_prediction", cause = nil, family = "activation", class = "measured",
  role = "symptom", needs = { "final.output.single_class_share" }, cost = "forward",
  least = { n = 30 },
  limits = {
    share = { 0.98, "next to all answers are one class" },
    majority = { 0.8,
      "with a class that large one answer may be right: class_imbalance judges it" },
  },
  doc = {
    what = "One class is predicted for nearly every sample.",
    formula = "share of the most frequent argmax over the probe set against the largest class",
    source = "SageMaker Debugger (class imbalance), own bound",
    false_alarms = "heavily uneven classes are left to class_imbalance",
  },
}

function M.check(case, limits)
  local facts, share = case.facts, case.signals.final.output.single_class_share
  if facts.task == "regression" or facts.task == "multilabel" then
    return nil, "not applicable: no class output"
  end
  local data = case.signals.data
  local majority = case.signals.majority or data and data.y and data.y.majority
  if not majority then return nil, "cannot tell: the class frequencies are not known" end
  if share <= limits.share or majority >= limits.majority then return nil end
  return finding.new(M, {
    title = string.format("%s of the answers are one class (largest class: %s of the rows)",
      numfmt.percent(share), numfmt.percent(majority)),

    evidence = { finding.evidence("share of the most frequent answer", share,
      "about " .. numfmt.number(majority)) },
    fixes = {},
  })
end

return M
