local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "batches_of_one_class", cause = "unshuffled_data", family = "loop", class = "measured",
  needs = { "loop.rows.one_class" }, cost = "free",
  limits = {
    share = { 0.75, "of the batches that were looked at: the rest lie where classes meet" },
    looks = { 4, "batches: fewer are chance" },
    chance = { 0.01, "that a batch drawn at random is of one class" },
  },
  plain_loop = true,
  doc = {
    what = "Batches hold rows of one class each: the order of the data is that of its labels, and"
      .. " every class undoes what the one before taught.",
    formula = "batches with a single class over all that were looked at, where the commonest class"
      .. " to the power of the rows of a batch is under the chance",
    source = "own; public threads on data sorted by label",
    false_alarms = "one class for nearly all rows is class_imbalance",
  },
}

function M.check(case, limits)
  local rows = case.signals.loop.rows
  if (rows.class_looks or 0) < limits.looks then return nil, "cannot tell: too few batches" end
  local chance = (case.signals.majority or 1) ^ (rows.batch or 0)
  if rows.one_class < limits.share or chance > limits.chance then return nil end
  return finding.new(M, {
    title = ("%s of the batches hold rows of one class: they follow the order of the labels")
      :format(numfmt.percent(rows.one_class)), part = lost.part(lost.visibly(case)),
    evidence = { finding.evidence("batches of one class", rows.one_class,
        finding.under(limits.share)),
      finding.evidence("chance of such a batch", chance, finding.over(limits.chance)) },
    fixes = { { text = "shuffle the rows before every epoch" } },
  })
end

return M
