local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "rows_on_another_scale", cause = "unnormalised_inputs", family = "data",
  class = "measured", needs = { "data.outlying" }, cost = "free", least = { n = 20 },
  limits = { share = { 0.25, "more of them are a heavy tail, not rows that were left out" } },
  doc = {
    what = "A few rows are on another scale than the rest, as when they were left out of the"
      .. " preparation: they alone carry the mean of a loss and the statistics of a batch.",
    formula = "rows whose root mean square is over ten times that of the middle row",
    source = "public question threads",
    false_alarms = "heavy tails: a quarter of the rows and more is silent",
  },
}

function M.check(case, limits)
  local rows = case.signals.data.outlying
  if rows.rows == 0 or rows.share > limits.share then return nil end
  return finding.new(M, {
    title = ("%d row%s on another scale than the rest: up to %s times as large"):format(rows.rows,
      rows.rows == 1 and " is" or "s are", numfmt.number(rows.worst)),
    evidence = { finding.evidence("largest row over the middle one", rows.worst, "under 10"),
      finding.evidence("such rows", rows.rows, "0") },
    fixes = { { text = "prepare these rows as the others, or leave them out",
      patch = { data = "drop_outlying" } } },
  })
end

return M
