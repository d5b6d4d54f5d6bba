local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "inputs_on_another_scale", cause = "inconsistent_test_preprocessing", family = "loop",
  class = "measured", needs = { "loop.rows.moved", "outside" }, cost = "free",
  limits = {
    moved = { 0.5, "standard deviations: noise and crops move the mean by less" },
    widened = { 2, "times: mixing two rows narrows them by less" },
  },
  plain_loop = true,
  doc = {
    what = "The loop feeds inputs on another scale than the rows of `data`, on which the model then"
      .. " does badly: they are scaled in one place and not in the other, or twice.",
    formula = "mean and standard deviation of all values that were fed, against those of the data,"
      .. " where no row that was fed is one of the data",
    source = "own; public trackers on preprocessing that differs between training and use",
    false_alarms = "silent unless the model does badly on the data; inputs that are scaled in the"
      .. " loop on purpose belong into `data` by :map",
  },
}

function M.check(case, limits)
  local rows = case.signals.loop.rows
  if not lost.much(case) then return nil end
  if rows.moved <= limits.moved and rows.widened <= limits.widened then return nil end
  return finding.new(M, {
    title = ("the inputs that are fed are on another scale than the data: their mean is %s standard"
      .. " deviations away, their spread differs %s times"):format(numfmt.number(rows.moved),
      numfmt.number(rows.widened)), part = "lost",
    strength = math.max(rows.moved / limits.moved, rows.widened / limits.widened),
    evidence = { finding.evidence("shift of the mean", rows.moved, finding.under(limits.moved)),
      finding.evidence("ratio of the spreads", rows.widened, finding.under(limits.widened)) },
    fixes = { { text = "scale training and held-out rows by one function, once" } },
  })
end

return M
