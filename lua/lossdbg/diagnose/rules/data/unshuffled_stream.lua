local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "unshuffled_stream", cause = "unshuffled_data", family = "data", severity = "err",
  needs = { "data.y.runs_z" }, cost = "free", least = { n = 30 },
  explains = { "loss_oscillating", "single_class_prediction", "loss_not_decreasing",
    "train_eval_inconsistent", "underfitting", "loss_at_baseline" },
  doc = {
    what = "Rows are visited in an order sorted by label: every batch pulls towards one class and"
      .. " the network forgets the others.",
    formula = "Wald-Wolfowitz runs test of the label order: z = (runs - expected) / sd",
    threshold = "z < -6 while shuffling is off; an error only where training failed",
    source = "cleanlab (non-iid), Tuning Playbook",
    false_alarms = "sorted files are harmless when shuffling is on, and the rule is silent then",
  },
}

function M.check(case)
  local facts, z = case.facts, case.signals.data.y.runs_z
  if case.description.shuffle == nil then
    return nil, "cannot tell: whether rows are shuffled is not recorded"
  end
  if case.description.shuffle ~= false or z >= -6 then return nil end
  return finding.new(M, {
    title = string.format("rows are sorted by label and not shuffled (runs test z = %s)",
      numfmt.number(z)),
    severity = facts:grade("err", "warn"), confidence = 0.85,
    evidence = { finding.evidence("runs test of the label order", z, "-3 .. 3") },
    fixes = { { text = "shuffle the rows before every epoch", patch = { shuffle = true } } },
  })
end

return M
