local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"

local M = {
  id = "step_undershoot", cause = "lr_too_low", family = "learning_rate", severity = "err",
  needs = { "tests.line" }, cost = "side_run",
  explains = effects.union(effects.POOR, { "lr_outside_typical_range", "plateau_fingerprint" }),
  doc = {
    what = "Along the optimiser's own step the loss still falls at four times the step: the step is"
      .. " too short.",
    formula = "L(theta + a u) for a in 0, 1/4, 1/2, 1, 2, 4 on the same batch; best a per probe",
    threshold = "best a = 4 in at least 70 % of the probes, falling by more than rounding; error"
      .. " where the run is slow or stuck, remark where it learns",
    source = "Cockpit's alpha without its threshold",
    false_alarms = "small batches: most sound runs have a best a above 1, so that learning runs"
      .. " get a remark only when skill is under 0.9",
  },
}

local function moves(losses)
  for _, row in ipairs(losses or {}) do
    if #row > 1 and row[#row] < row[1] * (1 - 1e-6) then return true end
  end
  return losses == nil or #losses == 0
end

function M.check(case)
  local facts, line = case.facts, case.signals.tests.line
  local best, n, long = line.best or {}, #(line.best or {}), 0
  if n < 3 then return nil, "cannot tell: needs at least 3 line probes" end
  for _, a in ipairs(best) do
    if a >= 4 then long = long + 1 end
  end
  if long < 0.7 * n or facts:well_fitted() or facts.nonfinite then return nil end
  if not moves(line.losses) then return nil, "cannot tell: the step does not move the loss" end
  local lr, fixes = facts:optimizer().lr, {}
  if type(lr) == "number" and lr > 0 then
    fixes[1] = { text = string.format("raise the learning rate to %s", numfmt.number(lr * 10)),
      patch = { optimizer = { lr = lr * 10 } } }
  end
  return finding.new(M, {
    title = string.format("the step is too short: the loss still falls at four times the step in"
      .. " %d of %d probes", long, n),
    severity = facts:grade("err"), confidence = facts.state == "too_slow" and 0.85 or 0.6,
    evidence = { finding.evidence("median best multiple of the step", line.best_median or 4,
      "0.5 .. 2") },
    fixes = fixes,
  })
end

return M
