local finding = require "lossdbg.diagnose.finding"
local effects = require "lossdbg.diagnose.effects"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "loss_sign_flipped", cause = "gradient_sign_flipped", family = "loop", severity = "crit",
  needs = { "tests.line|tests.sign|description.loop|description.optimizer" }, cost = "side_run",
  explains = effects.union(effects.DIVERGE, effects.POOR, effects.STEP, effects.STALL,
    { "dead_relu", "saturated_activation", "loss_not_decreasing" }),
  doc = {
    what = "Parameters move up the gradient: the sign of the loss, the gradient or the learning"
      .. " rate is wrong.",
    formula = "the loss of the same batch after a tiny step along the update: rises in every probe"
      .. " although the step is small (update over weight < 0.01)",
    threshold = "all of at least 3 probes, at a quarter of the step already",
    source = "own; TheDeepChecker's mutant flipped_sign",
    false_alarms = "too large a step rises too: the ratio of update to weight has to be small",
  },
}

local function by_line(case)
  local line = case.signals.tests and case.signals.tests.line
  local losses = line and line.losses or {}
  if #losses < 3 then return nil end
  local ratios = {}
  for _, layer in ipairs(case.facts.net.layers) do
    local stat = (case.signals.layers or {})[layer.path]
    if stat and stat.ratio_median then ratios[#ratios + 1] = stat.ratio_median end
  end
  table.sort(ratios)
  if #ratios == 0 or ratios[#ratios] > 0.01 then return nil end
  for _, row in ipairs(losses) do
    for i = 2, math.min(#row, 4) do
      if not (facts_of.finite(row[i]) and row[i] > row[i - 1]) then return false end
    end
  end
  return true
end

function M.check(case)
  local facts, loop = case.facts, case.description.loop or {}
  local sign, lr = case.signals.tests and case.signals.tests.sign, facts:optimizer().lr
  local declared = loop.gradient_sign == -1 or (type(lr) == "number" and lr < 0)
  local measured = sign and sign.rises_share == 1 or by_line(case)
  if measured == nil and not declared then
    return nil, "cannot tell: no line probe with a small step"
  end
  if not (declared or measured) then return nil end
  return finding.new(M, {
    title = type(lr) == "number" and lr < 0 and "the learning rate is negative: training climbs"
      or "training climbs: a small step along the update raises the loss of the same batch",
    severity = "crit", confidence = declared and 0.98 or 0.9,
    evidence = { finding.evidence("probes in which the loss rises", sign and sign.rises_share
      or 1, "0", "share") },
    fixes = { { text = "flip the sign of the loss, the gradient or the learning rate",
      patch = type(lr) == "number" and lr < 0 and { optimizer = { lr = -lr } }
        or loop.gradient_sign == -1 and { loop = false } or nil } },
  })
end

return M
