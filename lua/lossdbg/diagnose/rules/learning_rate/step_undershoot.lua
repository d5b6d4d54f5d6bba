local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "step_undershoot", cause = "lr_too_low", family = "learning_rate", class = "measured",
  needs = { "tests.line" }, cost = "side_run",

  limits = {
    best = { 4, "the loss still falls at four times the step" },
    share = { 0.7, "in that many of the probes, so that single batches do not decide" },
    probes = { 3, "fewer probes are anecdotes" },
    fall = { 1e-6, "a smaller relative fall is rounding" },
  },
  doc = {
    what = "Along the optimiser's own step the loss still falls at four times the step: the step is"
      .. " too short.",
    formula = "L(theta + a u) for a in 0, 1/4, 1/2, 1, 2, 4 on the same batch; best a per probe",
    source = "Cockpit's alpha without its threshold",
    false_alarms = "small batches: most sound runs have a best a above 1, so that learning runs"
      .. " get a remark only when skill is under 0.9",
  },
}

local function moves(losses, least)
  for _, row in ipairs(losses or {}) do
    if #row > 1 and row[#row] < row[1] * (1 - least) then return true end
  end
  return losses == nil or #losses == 0
end

function M.check(case, limits)
  local facts, line = case.facts, case.signals.tests.line
  local best, n, long = line.best or {}, #(line.best or {}), 0
  if n < limits.probes then return nil, "cannot tell: too few line probes" end
  for _, a in ipairs(best) do
    if a >= limits.best then long = long + 1 end
  end
  if long < limits.share * n or facts:well_fitted() or facts.nonfinite then return nil end
  if not moves(line.losses, limits.fall) then return nil,
    "cannot tell: the step does not move the loss" end
  local lr, fixes = facts:optimizer().lr, {}
  if type(lr) == "number" and lr > 0 then
    fixes[1] = { text = string.format("raise the learning rate to %s", numfmt.number(lr * 10)),
      patch = { optimizer = { lr = lr * 10 } } }
  end
  return finding.new(M, {
    title = string.format("the step is too short: the loss still falls at four times the step in"
      .. " %d of %d probes", long, n),

    evidence = { finding.evidence("median best multiple of the step", line.best_median or 4,
      "0.5 .. 2") },
    fixes = fixes,
  })
end

return M
