local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "step_overshoot", cause = "lr_too_high", family = "learning_rate", class = "measured",
  needs = { "tests.line" }, cost = "side_run",

  limits = {
    best = { 0.25, "the loss is lowest at a quarter of the step or before" },
    share = { 0.7, "in that many of the probes, so that single batches do not decide" },
    probes = { 3, "fewer probes are anecdotes" },
    nowhere = { 0.5, "most probes lowest without a step: it is too long by far more than four" },
  },
  doc = {
    what = "Along the optimiser's own step the loss is lowest at a quarter of the step or less:"
      .. " the step is too long.",
    formula = "L(theta + a u) for a in 0, 1/4, 1/2, 1, 2, 4 on the same batch; best a per probe,"
      .. " while the trend does not fall",
    source = "Cockpit's alpha without its threshold",
    false_alarms = "healthy runs at the edge of stability overshoot: the trend has to agree",
  },
}

function M.check(case, limits)
  local facts, best = case.facts, case.signals.tests.line.best or {}
  local n, short, zero = #best, 0, 0
  if n < limits.probes then return nil, "cannot tell: too few line probes" end
  for _, a in ipairs(best) do
    if a <= limits.best then short = short + 1 end
    if a == 0 then zero = zero + 1 end
  end
  if short < limits.share * n or facts.trend == "decreasing"
    or facts:well_fitted() then return nil end
  -- With every gradient exactly zero the line is flat and its first point is "best".
  local losses = case.signals.tests.line.losses or {}
  local flat = true
  for _, row in ipairs(losses) do
    for _, v in ipairs(row) do flat = flat and v == row[1] end
  end
  if flat and #losses > 0 then return nil, "cannot tell: the step does not move the loss" end
  local lr = facts:optimizer().lr
  local factor = zero > limits.nowhere * n and 100 or 10
  local fixes = {}
  if type(lr) == "number" and lr > 0 then
    fixes[1] = { text = string.format("lower the learning rate to %s", numfmt.number(lr / factor)),
      patch = { optimizer = { lr = lr / factor } } }
  end
  return finding.new(M, {
    title = string.format("the step is too long: the loss is lowest at a quarter of it or less in"
      .. " %d of %d probes", short, n),

    evidence = { finding.evidence("median best fraction of the step",
      case.signals.tests.line.best_median or 0, "0.5 .. 2") },
    fixes = fixes,
  })
end

return M
