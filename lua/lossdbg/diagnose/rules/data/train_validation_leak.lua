local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "train_validation_leak", cause = "train_validation_leak", family = "data",
  class = "measured", part = "validation",
  needs = { "data.val.leak_share" }, cost = "free", least = { n = 20 },
  limits = {
    share = { 0.01, "one validation row in a hundred" },
    over_duplicates = { 2, "twice what duplicates inside the training rows make likely" },
    rows = { 2.5, "at least three rows" },
    most = { 0.5, "most of the validation rows" },
    duplicates = { 0.25, "a table that repeats itself leaks by nature" },
  },
  doc = {
    what = "Validation rows are also training rows: the validation numbers are too good.",
    formula = "share of validation rows whose hash occurs in the training rows",
    source = "deepchecks (5 %); own correction for tables that repeat themselves",
    false_alarms = "tables of few distinct rows: compared with the duplicates inside training",
  },
}

function M.check(case, limits)
  local data = case.signals.data
  local leak, duplicates = data.val.leak_share, data.duplicates and data.duplicates.share or 0
  local count = data.val.n and leak * data.val.n or math.huge
  if leak <= limits.share + limits.over_duplicates * duplicates
    or count < limits.rows then return nil end
  local severe = leak > limits.most and duplicates < limits.duplicates
  return finding.new(M, {
    title = string.format("%s of the validation rows are also training rows", numfmt.percent(leak)),
    class = severe and "exact" or "measured",
    evidence = { finding.evidence("share of validation rows seen in training", leak,
      finding.under(limits.share)),
      finding.evidence("duplicates among the training rows", duplicates) },
    fixes = { { text = "split so that equal rows (and rows of one source) stay on one side" } },
  })
end

return M
