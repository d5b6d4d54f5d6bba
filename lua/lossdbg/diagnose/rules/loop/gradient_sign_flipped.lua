local finding = require "lossdbg.diagnose.finding"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "gradient_sign_flipped", cause = "gradient_sign_flipped", family = "loop",
  needs = { "tests.line|loop|description.optimizer" }, cost = "side_run",

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

function M.check(case, limits)
  local lr = case.facts:optimizer().lr
  local seen, times = by_loop(case, limits)
  local negative = type(lr) == "number" and lr < 0
  local measured = by_line(case, limits)
  if measured == nil and not seen and not negative then
    return nil, "cannot tell: no line probe with a small step"
  end
  if not (seen or negative or measured) then return nil end
  return finding.new(M, {
    title = seen or negative and "the learning rate is negative: training climbs"
      or "training climbs: a small step along the update raises the loss of the same batch",
    class = (seen or negative) and "exact" or "measured", part = seen and "lost" or nil,
    evidence = { finding.evidence("looks or probes that show it", times or 1, "0") },
    fixes = { { text = "flip the sign of the loss, the gradient or the learning rate",
      patch = negative and { optimizer = { lr = -lr } } or nil } },
  })
end

return M
