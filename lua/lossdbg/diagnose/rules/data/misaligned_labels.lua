local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "misaligned_labels", cause = "misaligned_labels", family = "data",
  needs = {}, cost = "free",

  doc = {
    what = "Inputs and targets are paired wrongly because only one of them is shuffled.",
    formula = "the loop permutes the inputs and leaves the targets in file order",
    source = "TheDeepChecker's mutants (wrong labels)",
    false_alarms = "none",
  },
}

function M.check(case)
  local loop = case.facts.loop
  if not loop then return nil, "cannot tell: how rows are shuffled was not observed" end
  if loop.shuffle ~= "x_only" then return nil end
  return finding.new(M, {
    title = "only the inputs are shuffled, the targets stay in file order",
    class = "exact",
    evidence = { finding.evidence("what is shuffled", loop.shuffle or "both",
      "inputs and targets together") },
    fixes = { { text = "shuffle inputs and targets with one permutation",
      patch = loop.shuffle == "x_only" and { loop = { shuffle = "both" } } or nil } },
  })
end

return M
