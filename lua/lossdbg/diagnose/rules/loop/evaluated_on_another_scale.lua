local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "evaluated_on_another_scale", cause = "inconsistent_test_preprocessing", family = "loop",
  class = "measured", part = "validation", needs = { "loop.evaluated" }, cost = "free",
  limits = {
    moved = { 3, "standard deviations of the training inputs: other rows move the mean by less" },
    widened = { 3, "times the spread, either way" },
    rows = { 30, "evaluated rows: fewer say nothing about a mean" },
    found = { 0.5, "of the rows that are trained on are rows of the data" },
  },
  doc = {
    what = "The loop evaluates the model on inputs of another scale than it trains on: they were"
      .. " prepared in another way.",
    formula = "mean and standard deviation of all values of the first evaluation passes, against"
      .. " those of the data, where training feeds rows of the data",
    source = "own; public threads on normalised training and raw test rows",
    false_alarms = "silent where training itself feeds other rows than those of the data",
  },
}

function M.check(case, limits)
  local loop = case.signals.loop
  local e = loop.evaluated
  if e.rows < limits.rows then return nil, "cannot tell: too few rows were evaluated" end
  if ((loop.rows or {}).found or 0) < limits.found then
    return nil, "cannot tell: the rows that are trained on are not those of the data"
  end
  if e.moved <= limits.moved and e.widened <= limits.widened then return nil end
  return finding.new(M, {
    title = ("the loop evaluates on inputs of another scale than it trains on: their mean is %s"
      .. " standard deviations away, their spread differs %s times"):format(
      numfmt.number(e.moved), numfmt.number(e.widened)), part = "lost",
    strength = math.max(e.moved / limits.moved, e.widened / limits.widened),
    evidence = { finding.evidence("shift of the mean", e.moved, finding.under(limits.moved)),
      finding.evidence("ratio of the spreads", e.widened, finding.under(limits.widened)) },
    fixes = { { text = "prepare all rows by one function, with numbers of the training rows" } },
  })
end

return M
