local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"

local M = {
  id = "optimizer_recreated", cause = "optimizer_recreated", family = "loop", class = "exact",
  needs = { "loop.optimizers" }, cost = "free", least = { steps = 8 },
  limits = {
    made = { 4, "optimisers, one for a phase of the training each, may be meant" },
    steps = { 10, "steps: the least memory of a momentum of 0.9" },
  },
  plain_loop = true,
  doc = {
    what = "The optimiser is made anew in the loop: momentum and moments begin at nothing each"
      .. " time, and Adam's first step has the full rate in every weight.",
    formula = "optimisers that moved weights of the model, and steps of each",
    source = "tinychain pull 51",
    false_alarms = "several optimisers beside each other make many steps each; plain gradient"
      .. " descent has nothing to lose",
  },
}

function M.check(case, limits)
  local o = case.signals.loop.optimizers
  if not o.stateful then return nil, "not applicable: the optimiser keeps nothing" end
  if o.n < limits.made or o.steps / o.n >= limits.steps then return nil end
  return finding.new(M, {
    title = ("the optimiser was made anew %d times in %d steps"):format(o.n, o.steps),
    part = lost.part(lost.visibly(case)),
    evidence = { finding.evidence("optimisers", o.n, finding.under(limits.made)),
      finding.evidence("steps of each", o.steps / o.n, finding.over(limits.steps)) },
    fixes = { { text = "make the optimiser once, before the loop" } },
  })
end

return M
