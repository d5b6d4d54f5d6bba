local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "missing_zero_grad", cause = "missing_zero_grad", family = "loop", class = "exact",
  needs = { "tests.zero_grad" }, cost = "backward",
  plain_loop = true,
  doc = {
    what = "Gradients are not cleared between steps: each step follows the sum of all before.",
    formula = "a backward pass adds to the very buffer that an update has used; accumulation"
      .. " without an update in between is none",
    source = "own (asked for in public trackers)",
    false_alarms = "none: cosine or growth alone do not fire it",
  },
}

function M.check(case)
  local test = case.signals.tests.zero_grad
  if not test.accumulates then return nil end
  local found = finding.broken(case, "gradients_cleared") or {}
  local evidence = { finding.evidence("steps", numfmt.number(case.facts.steps)) }
  if test.ratio then
    table.insert(evidence, 1, finding.evidence("buffer over fresh gradient", test.ratio, "1"))
  end
  return finding.new(M, {
    title = ("gradients are not cleared%s: steps follow the sum of the gradients so far"):format(
      found.count and (" before %d of %d backward passes"):format(found.count,
        case.signals.loop.backwards) or ""), part = "lost",
    where = found.step and { step = found.step, source = found.line } or nil,
    evidence = evidence,
    fixes = { { text = "call opt:zero_grad() before every backward" } },
  })
end

return M
