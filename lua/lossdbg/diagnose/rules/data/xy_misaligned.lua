local finding = require "lossdbg.diagnose.finding"
local effects = require "lossdbg.diagnose.effects"

local M = {
  id = "xy_misaligned", cause = "misaligned_labels", family = "data", severity = "crit",
  needs = {}, cost = "free",
  explains = effects.union(effects.POOR, { "labels_uninformative", "overfit",
    "loss_not_decreasing", "loss_oscillating" }),
  doc = {
    what = "Inputs and targets are paired wrongly because only one of them is shuffled.",
    formula = "the loop permutes the inputs and leaves the targets in file order; or the skill of a"
      .. " quick learner is higher with targets shifted by a few rows",
    threshold = "exact for the loop; 3 standard errors for the shift",
    source = "TheDeepChecker's mutants (wrong labels)",
    false_alarms = "none",
  },
}

function M.check(case)
  local loop = case.facts.loop
  local test = case.signals.tests and case.signals.tests.alignment
  if not loop and not test then
    return nil, "cannot tell: how rows are shuffled was not observed"
  end
  loop = loop or {}
  local shifted = test and test.shift and test.shift ~= 0
    and (test.skill or 0) > (test.skill_zero or 0) + 3 * (test.se or 0)
  if loop.shuffle ~= "x_only" and not shifted then return nil end
  return finding.new(M, {
    title = shifted and string.format("targets fit the inputs %d rows away", test.shift)
      or "only the inputs are shuffled, the targets stay in file order",
    confidence = 0.97,
    evidence = { finding.evidence("what is shuffled", loop.shuffle or "both",
      "inputs and targets together") },
    fixes = { { text = "shuffle inputs and targets with one permutation",
      patch = loop.shuffle == "x_only" and { loop = { shuffle = "both" } } or nil } },
  })
end

return M
