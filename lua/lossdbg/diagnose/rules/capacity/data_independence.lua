local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "data_independence", cause = "uninformative_labels", family = "capacity",
  severity = "err", role = "symptom", needs = { "tests.data_independence" }, cost = "side_run",
  explains = { "loss_at_baseline", "underfitting" },
  doc = {
    what = "Training on inputs shuffled against their targets is as good as training on the real"
      .. " pairs: the network does not use its inputs, or they carry nothing.",
    formula = "skill of the real run minus that of a run with permuted rows, same seed",
    threshold = "gain under 0.05, run has not learnt",
    source = "TheDeepChecker, Karpathy's recipe",
    false_alarms = "silent when the run has learnt",
  },
}

function M.check(case)
  local facts, test = case.facts, case.signals.tests.data_independence
  if not test.independent or facts.nonfinite then return nil end
  if facts.learned and ((facts.skill or 0) >= 0.5 or facts.outliers) then return nil end
  return finding.new(M, {
    title = "inputs make no difference: shuffled inputs train as well as the real ones",
    severity = facts.state == "cannot_tell" and "warn" or "err", confidence = 0.85,
    evidence = { finding.evidence("skill on real inputs", test.real or 0),
      finding.evidence("skill on shuffled inputs", test.shuffled or 0, "clearly lower") },
    fixes = {},
  })
end

return M
