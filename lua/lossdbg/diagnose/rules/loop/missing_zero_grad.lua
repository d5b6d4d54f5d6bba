local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "missing_zero_grad", cause = "missing_zero_grad", family = "loop", class = "exact",
  needs = {}, cost = "backward",

  doc = {
    what = "Gradients are not cleared between steps: each step follows the sum of all before.",
    formula = "gradient buffer = fresh gradient of the batch + buffer of the step before;"
      .. " declared accumulation is exempt",
    source = "own (asked for in public trackers)",
    false_alarms = "none: cosine or growth alone do not fire it",
  },
}

function M.check(case)
  local facts, loop = case.facts, case.facts.loop
  local test = case.signals.tests and case.signals.tests.zero_grad
  if not loop and not test then
    return nil, "cannot tell: whether gradients are cleared was not observed"
  end
  loop = loop or {}
  if loop.accumulate then return nil end
  if not (loop.zero_grad == false or (test and test.accumulates)) then return nil end
  local evidence = {}
  if test then
    evidence[1] = finding.evidence("buffer over fresh gradient", test.ratio or 0, "1")
  end
  evidence[#evidence + 1] = finding.evidence("steps", numfmt.number(facts.steps))
  return finding.new(M, {
    title = "gradients are never cleared: every step follows the sum of all gradients so far",
    evidence = evidence,
    fixes = { { text = "call opt:zero_grad() before every backward",
      patch = loop.zero_grad == false and { loop = { zero_grad = true } } or nil } },
  })
end

return M
