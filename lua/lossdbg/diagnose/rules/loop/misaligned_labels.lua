local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "misaligned_labels", cause = "misaligned_labels", family = "loop", class = "exact",
  needs = { "loop.rows" }, cost = "free",
  limits = { equal = { 0.95, "a few rows may have equal inputs and other targets" } },
  plain_loop = true,
  doc = {
    what = "The loop feeds inputs of the data with the targets of other rows: only the inputs are"
      .. " shuffled, an index is off by one, a reshape mixes rows.",
    formula = "share of fed rows whose target is that of the data for these inputs, where equal"
      .. " targets did not stay equal; or entries of one fed row come from several rows",
    source = "own; public threads on separate shuffles of x and y",
    false_alarms = "targets that were coded otherwise keep equal ones equal and are not meant",
  },
}

function M.check(case, limits)
  local rows = case.signals.loop.rows
  if rows.mixed then
    return finding.new(M, {
      title = "the inputs of a batch are put together from several rows each", part = "lost",
      evidence = { finding.evidence("fed rows with entries of several rows", rows.mixed, "0") },
      fixes = { { text = "transpose instead of reshaping: reshape keeps the order of values" } },
    })
  end
  if not rows.targets_equal then return nil, "cannot tell: the fed rows are not those given" end
  if rows.targets_equal >= limits.equal or rows.targets ~= "mixed" then return nil end
  return finding.new(M, {
    title = ("inputs are fed with the targets of other rows: %s agree with the data"):format(
      numfmt.percent(rows.targets_equal)), part = "lost",
    evidence = { finding.evidence("rows with their own target", rows.targets_equal,
      finding.over(limits.equal)) },
    fixes = { { text = "take inputs and targets by the same row numbers" } },
  })
end

return M
