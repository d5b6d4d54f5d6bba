local finding = require "lossdbg.diagnose.finding"
local facts_of = require "lossdbg.diagnose.facts"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "gradient_sign_flipped", cause = "gradient_sign_flipped", family = "loop",
  needs = { "tests.line|loop|description.optimizer|description.loss" }, cost = "side_run",

  limits = {
    probes = { 3, "fewer probes are anecdotes" },
    looks = { 3, "a single one may be chance" },
    small = { 0.01, "a longer step may rise because it is too long" },
  },
  plain_loop = true,
  doc = {
    what = "Parameters move up the gradient: the sign of the loss, the gradient or the learning"
      .. " rate is wrong.",
    formula = "the loss of the same batch after a tiny step along the update: rises in every"
      .. " probe, at a quarter of the step already, although the step is small",
    source = "own; TheDeepChecker's mutant flipped_sign",
    false_alarms = "too large a step rises too: the ratio of update to weight has to be small",
  },
}

local function by_line(case, limits)
  local line = case.signals.tests and case.signals.tests.line
  local losses = line and line.losses or {}
  if #losses < limits.probes then return nil end
  local ratios = {}
  for _, layer in ipairs(case.facts.net.layers) do
    local stat = (case.signals.layers or {})[layer.path]
    if stat and stat.ratio_median then ratios[#ratios + 1] = stat.ratio_median end
  end
  table.sort(ratios)
  if #ratios == 0 or ratios[#ratios] > limits.small then return nil end
  for _, row in ipairs(losses) do
    for i = 2, math.min(#row, 4) do
      if not (facts_of.finite(row[i]) and row[i] > row[i - 1]) then return false end
    end
  end
  return true
end

-- What a watch saw: the loss of every step is minus the named one, or somebody turned the gradient
-- round between backward and step.
local function by_loop(case, limits)
  local loop = case.signals.loop
  if not loop then return nil end
  local relation = loop.relation or {}
  if (relation.negative or 0) >= limits.looks and not relation.same then
    return "the loss that is minimised is minus the named one", relation.negative
  end
  local found = finding.broken(case, "gradient_sign")
  return found and "the gradient is turned round between backward and step: training climbs",
    found and found.count
end

-- What is written down: a rate or a factor on the loss below zero; and what turns it round.
local function written(facts)
  local lr, scale = facts:optimizer().lr, facts:loss().scale
  if type(lr) == "number" and lr < 0 then
    return "the learning rate is negative: training climbs", { optimizer = { lr = -lr } }
  elseif type(scale) == "number" and scale < 0 then
    return ("the loss is multiplied by %s: training climbs"):format(numfmt.number(scale)),
      { loss = { scale = -scale } }
  end
end

function M.check(case, limits)
  local seen, times = by_loop(case, limits)
  local said, patch = written(case.facts)
  local measured = by_line(case, limits)
  if measured == nil and not seen and not said then
    return nil, "cannot tell: no line probe with a small step"
  end
  if not (seen or said or measured) then return nil end
  return finding.new(M, {
    title = seen or said
      or "training climbs: a small step along the update raises the loss of the same batch",
    class = (seen or said) and "exact" or "measured", part = seen and "lost" or nil,
    evidence = { finding.evidence("looks or probes that show it", times or 1, "0") },
    fixes = { { text = "flip the sign of the loss, the gradient or the learning rate",
      patch = patch } },
  })
end

return M
