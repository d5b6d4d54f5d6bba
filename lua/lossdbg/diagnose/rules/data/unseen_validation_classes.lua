local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "unseen_validation_classes", cause = "unshuffled_data", family = "data", class = "exact",
  part = "validation", needs = { "data.val.unseen" }, cost = "free", least = { n = 20 },
  limits = { share = { 0.1, "a tenth of the rows: rare classes are missed by chance" } },
  doc = {
    what = "Validation rows carry classes that no training row has: rows sorted by class were cut"
      .. " in two without shuffling.",
    formula = "share of the validation rows whose class is absent from the training rows",
    source = "public question threads (the last part of a sorted file as validation)",
    false_alarms = "rare classes: a few rows are silent",
  },
}

function M.check(case, limits)
  local unseen = case.signals.data.val.unseen
  if unseen.share <= limits.share then return nil end
  return finding.new(M, {
    title = ("%s of the validation rows are of classes that no training row has"):format(
      numfmt.percent(unseen.share)),
    strength = unseen.share / limits.share,
    evidence = { finding.evidence("validation rows of unseen classes", unseen.share,
      finding.under(limits.share)), finding.evidence("unseen classes", unseen.classes, "0") },
    fixes = { { text = "shuffle the rows before they are divided, or divide each class",
      patch = { data = "shuffle_split" } } },
  })
end

return M
