local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "train_val_leakage", cause = "train_validation_leak", family = "data", severity = "err",
  needs = { "data.val.leak_share" }, cost = "free", least = { n = 20 }, explains = {},
  doc = {
    what = "Validation rows are also training rows: the validation numbers are too good.",
    formula = "share of validation rows whose hash occurs in the training rows",
    threshold = "more than 1 % and twice the share of duplicates among the training rows: warn;"
      .. " more than half with few duplicates: error",
    source = "deepchecks (5 %); own correction for tables that repeat themselves",
    false_alarms = "tables of few distinct rows: compared with the duplicates inside training",
  },
}

function M.check(case)
  local data = case.signals.data
  local leak, duplicates = data.val.leak_share, data.duplicates and data.duplicates.share or 0
  local count = data.val.n and leak * data.val.n or math.huge
  if leak <= 0.01 or leak <= 2 * duplicates + 0.01 or count < 2.5 then return nil end
  local severe = leak > 0.5 and duplicates < 0.25
  return finding.new(M, {
    title = string.format("%s of the validation rows are also training rows", numfmt.percent(leak)),
    severity = severe and "err" or "warn", confidence = severe and 0.9 or 0.6,
    evidence = { finding.evidence("share of validation rows seen in training", leak, "under 0.01"),
      finding.evidence("duplicates among the training rows", duplicates) },
    fixes = { { text = "split so that equal rows (and rows of one source) stay on one side" } },
  })
end

return M
