local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"

local M = {
  id = "weights_changed_outside", cause = "weights_changed_outside", family = "loop",
  class = "exact", needs = { "loop.broken" }, cost = "free",
  limits = { times = { 2, "once may be a start from other weights" } },
  plain_loop = true,
  doc = {
    what = "Something besides the optimiser's step changes weights between two steps.",
    formula = "the version of a weight after a step and before the next one",
    source = "own",
    false_alarms = "clipping weights after each step is meant: a warning where the model learns;"
      .. " loading a state and exchanging averages do not count",
  },
}

function M.check(case, limits)
  local found, loop = finding.broken(case, "only_step_moves_weights"), case.signals.loop
  if not found or found.count < limits.times or next(loop.drawn or {}) then return nil end
  return finding.new(M, {
    title = ("weights of %s change between two steps"):format(found.layer),
    where = { layer = found.layer, step = found.step, source = found.line },
    class = not lost.visibly(case) and case.facts.learned and "suggestive" or "exact",
    part = lost.part(lost.visibly(case)),
    evidence = { finding.evidence("changes seen in the steps looked at", found.count,
      finding.under(limits.times)) },
    fixes = { { text = "let the optimiser alone change weights; constraints belong to layers" } },
  })
end

return M
