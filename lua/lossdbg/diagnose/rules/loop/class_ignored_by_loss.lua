local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "class_ignored_by_loss", cause = "class_ignored_by_loss", family = "loop",
  class = "exact", needs = { "labels.ignored" }, cost = "forward",
  limits = {
    inputs = { 0.5, "of its places with an input of their own: padding has one for all" },
    count = { 8, "rows: fewer may be marked by hand" },
    recall = { 0.5, "of its rows recognised: then the loss does not need them" },
  },
  doc = {
    what = "The class that the loss leaves out is a class of the data: rows with inputs of their"
      .. " own never count.",
    formula = "different inputs at the places of the ignored id over their number",
    source = "jiant issue 925",
    false_alarms = "padding has the same input everywhere",
  },
}

function M.check(case, limits)
  local labels = case.signals.labels
  local found = labels.ignored
  local recall = (labels.recall or {})[found.class] or 0
  if found.inputs < limits.inputs or found.count < limits.count or recall >= limits.recall then
    return nil
  end
  return finding.new(M, {
    title = ("class %d is ignored by the loss, but %s of the rows carry it"):format(found.class,
      numfmt.percent(found.share)), part = "lost",
    evidence = { finding.evidence("places with an input of their own", found.inputs,
      finding.under(limits.inputs)),
      finding.evidence("rows of the class that are recognised", recall,
        finding.over(limits.recall)) },
    fixes = { { text = "mark what is to be left out by an id outside the classes" } },
  })
end

return M
