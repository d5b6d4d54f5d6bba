local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "unshuffled_data", cause = "unshuffled_data", family = "data", class = "measured",
  needs = { "data.y.runs_z" }, cost = "free", least = { n = 30 },

  limits = {
    z = { -6, "runs of equal labels six standard deviations longer than chance" },
  },
  doc = {
    what = "Rows are visited in an order sorted by label: every batch pulls towards one class and"
      .. " the network forgets the others.",
    formula = "Wald-Wolfowitz runs test of the label order: z = (runs - expected) / sd, while"
      .. " shuffling is off",
    source = "cleanlab (non-iid), Tuning Playbook",
    false_alarms = "sorted files are harmless when shuffling is on, and the rule is silent then",
  },
}

function M.check(case, limits)
  local z = case.signals.data.y.runs_z
  if case.description.shuffle == nil then
    return nil, "cannot tell: whether rows are shuffled is not recorded"
  end
  if case.description.shuffle ~= false or z >= limits.z then return nil end
  return finding.new(M, {
    title = string.format("rows are sorted by label and not shuffled (runs test z = %s)",
      numfmt.number(z)),

    evidence = { finding.evidence("runs test of the label order", z,
      finding.over(limits.z)) },
    fixes = { { text = "shuffle the rows before every epoch", patch = { shuffle = true } } },
  })
end

return M
