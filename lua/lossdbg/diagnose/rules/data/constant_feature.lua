local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "constant_feature", cause = "constant_inputs", family = "data", class = "suggestive",
  needs = { "data.x.constant" }, cost = "free", least = { n = 2 },
  limits = {
    share = { 0.5, "most columns carry nothing; borders of images are constant in sound data" },
  },
  doc = {
    what = "Some features have the same value in every row. They carry nothing; standardising them"
      .. " without a guard divides 0 by 0.",
    formula = "sd_j <= 1e-6 (1 + |mean_j|)",
    source = "TheDeepChecker, deepchecks; borders of images are constant in healthy data",
    false_alarms = "borders of images (MNIST: 123 of 784 columns) stay under the limit",
  },
}

function M.check(case, limits)
  local data = case.signals.data
  local constant = data.x.constant
  local count = constant.count or 0
  if count == 0 or data.x.identical or (data.d and count >= data.d) then return nil end
  local share = constant.share or (data.d and count / data.d) or 0
  if share <= limits.share then return nil end
  local columns = {}
  for i, c in ipairs(constant.columns or {}) do
    columns[i] = data.names and data.names[c] or tostring(c)
  end
  return finding.new(M, {
    title = string.format("%d of %s features are constant", count, tostring(data.d or "the")),

    evidence = { finding.evidence("constant features", count, "0",
      #columns > 0 and "columns " .. numfmt.list(columns, 5) or nil),
      finding.evidence("share of the columns", share, finding.under(limits.share)) },
    fixes = { { text = "drop the constant columns" } },
  })
end

return M
