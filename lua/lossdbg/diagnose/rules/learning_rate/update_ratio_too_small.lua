local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "update_ratio_too_small", cause = "lr_too_low", family = "learning_rate",
  severity = "err", needs = { "layers" }, cost = "free", least = { steps = 20 },
  explains = effects.union(effects.POOR, { "epochs_insufficient", "plateau_fingerprint",
    "step_undershoot", "lr_outside_typical_range" }),
  doc = {
    what = "All steps together change the weights by less than a hundredth of their size: the"
      .. " network stays where it was initialised.",
    formula = "median u = RMS(dW) / RMS(W) of the fastest matrix, times the number of steps",
    threshold = "u * steps < 0.01 (or u < 1e-6) while skill < 0.5; exact zeros belong to other"
      .. " rules."
      .. " Scale-free",
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

function M.check(case)
  local facts = case.facts
  local ratio, path = fastest(case)
  if not ratio then return nil, "cannot tell: update ratios were not measured" end
  if ratio == 0 or facts.nonfinite or facts.dead > 0.99 then return nil end
  if facts.learned or (facts.skill and facts.skill >= 0.5) then return nil end
  local travel = ratio * facts.steps
  if travel >= 0.01 and ratio >= 1e-6 then return nil end
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
    severity = facts.state == "cannot_tell" and "warn" or "err",
    confidence = facts_of.strength(0.01 / math.max(travel, 1e-12), 1, 100),
    where = facts:where(path),
    evidence = { finding.evidence("median update over weight", ratio, "1e-4 .. 1e-2"),
      finding.evidence("travel over the run", travel, "over 0.1") },
    fixes = fixes,
  })
end

return M
