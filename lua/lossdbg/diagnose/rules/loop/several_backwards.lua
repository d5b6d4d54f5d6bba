local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "several_backwards", cause = "several_backwards", family = "loop", class = "exact",
  needs = { "loop.broken" }, cost = "free",
  limits = { times = { 2, "once may be a look at gradients" } },
  plain_loop = true,
  doc = {
    what = "The gradient of the same loss is added more than once before a step: the step is that"
      .. " much longer.",
    formula = "backward of one tensor twice between two updates",
    source = "own; public threads on retain_graph",
    false_alarms = "losses of several terms have several backward passes of different tensors",
  },
}

function M.check(case, limits)
  local found = finding.broken(case, "one_backward")
  if not found or found.count < limits.times then return nil end
  return finding.new(M, {
    title = ("the same loss goes backward more than once before a step, %d times"):format(
      found.count), where = { step = found.step, source = found.line },
    evidence = { finding.evidence("steps", found.count, finding.under(limits.times)) },
    fixes = { { text = "call backward once a step" } },
  })
end

return M
