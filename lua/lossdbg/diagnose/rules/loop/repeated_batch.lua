local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "repeated_batch", cause = "repeated_batch", family = "loop", class = "measured",
  needs = { "loop.rows" }, cost = "free", least = { steps = 3 },
  limits = {
    share = { 0.5, "of the different rows that so many draws at random would show" },
    drawn = { 64, "rows taken down: fewer may repeat by chance" },
  },
  plain_loop = true,
  doc = {
    what = "The loop feeds the same rows again and again, so that the rest of the data is never"
      .. " seen: an iterator that starts anew at each step, a generator seeded alike, workers with"
      .. " one seed, a loop that is left after its first batch.",
    formula = "different rows fed over n (1 - (1 - 1/n)^draws), n the different rows of the data",
    source = "PyTorch pull 56488; public trackers",
    false_alarms = "one batch of all rows shows every row; draws with replacement reach the"
      .. " expected number",
  },
}

function M.check(case, limits)
  local rows = case.signals.loop.rows
  if not rows.expected then return nil, "cannot tell: the rows of the data were not given" end
  if rows.drawn < limits.drawn then return nil, "cannot tell: too few rows were fed" end
  local share = rows.seen / rows.expected
  if share >= limits.share then return nil end
  if rows.seen == 1 then
    return finding.new(M, { title = "every row that was fed is the same", cause = "constant_inputs",
      part = lost.part(lost.much(case)), strength = limits.share / math.max(share, 1e-3),
      evidence = { finding.evidence("different rows fed", 1, finding.over(1)) },
      fixes = { { text = "look at what the loop does to its inputs" } } })
  end
  return finding.new(M, {
    title = ("only %d different rows of %d were ever fed, again and again"):format(rows.seen,
      rows.of),
    part = lost.part(lost.much(case)), strength = limits.share / math.max(share, 1e-3),
    evidence = { finding.evidence("different rows fed", rows.seen,
      finding.over(limits.share * rows.expected)),
      finding.evidence("draws", numfmt.number(rows.drawn)) },
    fixes = { { text = "make the iterator over the batches anew for every epoch and follow it to"
      .. " its end; seed generators once, before the loop, and workers differently" } },
  })
end

return M
