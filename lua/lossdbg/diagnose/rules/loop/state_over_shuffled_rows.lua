local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"

local M = {
  id = "state_over_shuffled_rows", cause = "state_over_shuffled_rows", family = "loop",
  class = "exact", needs = { "loop.rows.jumps" }, cost = "free",
  limits = { jumps = { 0.5, "of the batches: the first of an epoch follows none" } },
  doc = {
    what = "A recurrent state is carried from batch to batch although the rows of the next do not"
      .. " follow those of the one before: it tells of other rows.",
    formula = "rows of two successive batches in `data`; each must be the same distance on",
    source = "public threads on stateful layers",
    false_alarms = "a state that is reset before each batch is not carried; rows in their order"
      .. " follow, however many lie between",
  },
}

function M.check(case, limits)
  local jumps = case.signals.loop.rows.jumps
  if jumps <= limits.jumps then return nil end
  local found = finding.broken(case, "state_follows_rows") or {}
  return finding.new(M, {
    title = "the recurrent state is carried over to rows that do not follow those it is of",
    where = { layer = found.layer, step = found.step, source = found.line },
    part = lost.part(lost.visibly(case)),
    evidence = { finding.evidence("batches that do not follow the one before", jumps,
      finding.under(limits.jumps)) },
    fixes = { { text = "reset_state() before each batch, or feed the rows in their order" } },
  })
end

return M
