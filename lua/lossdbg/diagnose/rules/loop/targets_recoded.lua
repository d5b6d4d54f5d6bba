local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"

local M = {
  id = "targets_recoded", cause = "wrong_label_encoding", family = "loop", class = "measured",
  needs = { "loop.rows" }, cost = "free",
  limits = { equal = { 0.95, "of the rows: some codes stay the same" } },
  plain_loop = true,
  doc = {
    what = "The loop trains on targets that are coded otherwise than those of the data: other class"
      .. " ids, classes that became one, other units.",
    formula = "targets of the loss against those of the data for the same inputs: equal ones stay"
      .. " equal, and the loss on the data is far above what the steps report",
    source = "own",
    false_alarms = "a coding that the data will have too is silent: the loss on the data agrees",
  },
}

local words = { map = "the targets of the loss are coded otherwise than those of the data",
  merged = "classes of the data became one in the targets of the loss",
  affine = "the targets of the loss are in other units than those of the data" }

function M.check(case, limits)
  local rows = case.signals.loop.rows
  if not rows.targets_equal then return nil, "cannot tell: the fed rows are not those given" end
  if rows.targets_equal >= limits.equal or not words[rows.targets] then return nil end
  return finding.new(M, {
    title = words[rows.targets], part = lost.part(lost.much(case)),
    cause = rows.targets == "affine" and "mixed_units" or nil,
    evidence = { finding.evidence("rows whose target is that of the data", rows.targets_equal,
      finding.over(limits.equal)) },
    fixes = { { text = "code the targets once, in the data set, and use it everywhere" } },
  })
end

return M
