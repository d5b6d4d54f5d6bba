local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "constant_feature", cause = "constant_inputs", family = "data", severity = "info",
  needs = { "data.x.constant" }, cost = "free", least = { n = 2 }, explains = {},
  doc = {
    what = "Some features have the same value in every row. They carry nothing; standardising them"
      .. " without a guard divides 0 by 0.",
    formula = "sd_j <= 1e-6 (1 + |mean_j|)",
    threshold = "any: info; more than half of the columns: warn where the run does not learn",
    source = "TheDeepChecker, deepchecks; borders of images are constant in healthy data",
    false_alarms = "image borders (MNIST 123 of 784 columns), therefore only a remark",
  },
}

function M.check(case)
  local data, facts = case.signals.data, case.facts
  local constant = data.x.constant
  local count = constant.count or 0
  if count == 0 or data.x.identical or (data.d and count >= data.d) then return nil end
  local share = constant.share or (data.d and count / data.d) or 0
  local columns = {}
  for i, c in ipairs(constant.columns or {}) do
    columns[i] = data.names and data.names[c] or tostring(c)
  end
  return finding.new(M, {
    title = string.format("%d of %s features are constant", count, tostring(data.d or "the")),
    severity = share > 0.5 and not facts.learned and "warn" or "info",
    confidence = share > 0.5 and 0.6 or 0.3,
    evidence = { finding.evidence("constant features", count, "0",
      #columns > 0 and "columns " .. numfmt.list(columns, 5) or nil),
      finding.evidence("share of the columns", share, "under 0.5") },
    fixes = { { text = "drop the constant columns" } },
  })
end

return M
