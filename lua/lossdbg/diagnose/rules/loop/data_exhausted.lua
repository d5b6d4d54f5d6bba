local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"

local M = {
  id = "data_exhausted", cause = "data_exhausted", family = "loop", class = "exact",
  needs = { "loop.asked_again" }, cost = "free",
  limits = { again = { 2, "once may be a look whether more is there" } },
  plain_loop = true,
  doc = {
    what = "An iterator over the batches was made once and is empty after the first pass: later"
      .. " epochs train nothing, and nobody says so.",
    formula = "times that a finished iterator of a data set was asked again",
    source = "skorch issue 1011; public threads on generators",
    false_alarms = "none: iterators of one's own are not seen at all",
  },
}

function M.check(case, limits)
  local again = case.signals.loop.asked_again
  if again < limits.again then return nil end
  return finding.new(M, {
    title = ("a finished iterator was asked for more batches %d times: these epochs were empty")
      :format(again),
    part = lost.part(again >= limits.again and not case.facts:well_fitted()),
    evidence = { finding.evidence("empty passes", again, finding.under(limits.again)),
      finding.evidence("steps taken", case.facts.steps) },
    fixes = { { text = "call train:batches { … } inside the loop over the epochs" } },
  })
end

return M
