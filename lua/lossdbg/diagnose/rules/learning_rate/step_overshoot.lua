local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"

local M = {
  id = "step_overshoot", cause = "lr_too_high", family = "learning_rate", severity = "err",
  needs = { "tests.line" }, cost = "side_run",
  explains = effects.union(effects.DIVERGE, effects.POOR,
    { "loss_not_decreasing", "lr_outside_typical_range" }),
  doc = {
    what = "Along the optimiser's own step the loss is lowest at a quarter of the step or less:"
      .. " the step is too long.",
    formula = "L(theta + a u) for a in 0, 1/4, 1/2, 1, 2, 4 on the same batch; best a per probe",
    threshold = "best a <= 1/4 in at least 70 % of the probes and the trend not decreasing",
    source = "Cockpit's alpha without its threshold",
    false_alarms = "healthy runs at the edge of stability overshoot: the trend has to agree",
  },
}

function M.check(case)
  local facts, best = case.facts, case.signals.tests.line.best or {}
  local n, short, zero = #best, 0, 0
  if n < 3 then return nil, "cannot tell: needs at least 3 line probes" end
  for _, a in ipairs(best) do
    if a <= 0.25 then short = short + 1 end
    if a == 0 then zero = zero + 1 end
  end
  if short < 0.7 * n or facts.trend == "decreasing" or facts:well_fitted() then return nil end
  -- With every gradient exactly zero the line is flat and its first point is "best".
  local losses = case.signals.tests.line.losses or {}
  local flat = true
  for _, row in ipairs(losses) do
    for _, v in ipairs(row) do flat = flat and v == row[1] end
  end
  if flat and #losses > 0 then return nil, "cannot tell: the step does not move the loss" end
  local lr = facts:optimizer().lr
  local factor = zero > 0.5 * n and 100 or 10
  local fixes = {}
  if type(lr) == "number" and lr > 0 then
    fixes[1] = { text = string.format("lower the learning rate to %s", numfmt.number(lr / factor)),
      patch = { optimizer = { lr = lr / factor } } }
  end
  return finding.new(M, {
    title = string.format("the step is too long: the loss is lowest at a quarter of it or less in"
      .. " %d of %d probes", short, n),
    severity = facts:grade("err"), confidence = 0.8,
    evidence = { finding.evidence("median best fraction of the step",
      case.signals.tests.line.best_median or 0, "0.5 .. 2") },
    fixes = fixes,
  })
end

return M
