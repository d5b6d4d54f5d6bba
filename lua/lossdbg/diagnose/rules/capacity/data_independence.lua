local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "data_independence", cause = "uninformative_labels", family = "capacity", class = "measured",
  role = "symptom", needs = { "tests.data_independence" }, cost = "side_run",

  limits = {
    skill = { 0.5, "who has removed half of the baseline does use the inputs" },
  },
  doc = {
    what = "Training on inputs shuffled against their targets is as good as training on the real"
      .. " pairs: the network does not use its inputs, or they carry nothing.",
    formula = "skill of the real run minus that of a run with permuted rows, same seed",
    source = "TheDeepChecker, Karpathy's recipe",
    false_alarms = "silent when the run has learnt",
  },
}

function M.check(case, limits)
  local facts, test = case.facts, case.signals.tests.data_independence
  if not test.independent or facts.nonfinite then return nil end
  if facts.learned and ((facts.skill or 0) >= limits.skill or facts.outliers) then return nil end
  return finding.new(M, {
    title = "inputs make no difference: shuffled inputs train as well as the real ones",

    evidence = { finding.evidence("skill on real inputs", test.real or 0),
      finding.evidence("skill on shuffled inputs", test.shuffled or 0, "clearly lower") },
    fixes = {},
  })
end

return M
