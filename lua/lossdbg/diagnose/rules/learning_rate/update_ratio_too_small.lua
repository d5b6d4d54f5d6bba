local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "update_ratio_too_small", cause = "lr_too_low", family = "learning_rate", class = "measured",
  needs = { "layers" }, cost = "free", least = { steps = 20 },

  limits = {
    travel = { 0.01, "all steps together: a hundredth of the weights' size" },
    step = { 1e-6, "each step: a hundred times rounding" },
    skill = { 0.5, "who has removed half of the baseline has moved" },
    dead = { 0.99, "dead units do not move at any rate" },
  },
  doc = {
    what = "All steps together change the weights by less than a hundredth of their size: the"
      .. " network stays where it was initialised.",
    formula = "median u = RMS(dW) / RMS(W) of the fastest layer, times the number of steps,"
      .. " while little is learnt; exact zeros belong to other rules",
    source = "own; absolute limits (1e-8, 1e-5, 1e-4) fire late in healthy decayed runs",
    false_alarms = "converged and fine-tuned runs: silent when the run learnt",
  },
}

local function fastest(case)
  local top, path
  for _, layer in ipairs(case.facts.net.layers) do
    local stat = case.signals.layers[layer.path]
    local ratio = stat and (stat.ratio_median or (stat.ratio and facts_of.median(stat.ratio)))
    if ratio and facts_of.finite(ratio) and (not top or ratio > top) then
      top, path = ratio, layer.path
    end
  end
  return top, path
end

function M.check(case, limits)
  local facts = case.facts
  local ratio, path = fastest(case)
  if not ratio then return nil, "cannot tell: update ratios were not measured" end
  if ratio == 0 or facts.nonfinite or facts.dead > limits.dead then return nil end
  if facts.learned or (facts.skill and facts.skill >= limits.skill) then return nil end
  local travel = ratio * facts.steps
  if travel >= limits.travel and ratio >= limits.step then return nil end
  local lr = facts:optimizer().lr
  local factor = 10 ^ math.max(1, math.min(4, math.floor(math.log(1 / math.max(travel, 1e-4), 10))))
  local fixes = {}
  if type(lr) == "number" and lr > 0 then
    fixes[1] = { text = string.format("raise the learning rate to %s", numfmt.number(lr * factor)),
      patch = { optimizer = { lr = lr * factor } } }
  end
  return finding.new(M, {
    title = string.format("all %d steps together moved the weights by %s of their size",
      facts.steps, numfmt.percent(travel)),

    where = facts:where(path), strength = limits.travel / math.max(travel, 1e-12),
    evidence = { finding.evidence("median update over weight", ratio,
        finding.over(limits.step)),
      finding.evidence("travel over the run", travel, finding.over(limits.travel)) },
    fixes = fixes,
  })
end

return M
