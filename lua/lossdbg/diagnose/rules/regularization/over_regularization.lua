local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "over_regularization", cause = "over_regularisation", family = "regularization",
  severity = "err", needs = { "penalty|description.optimizer" }, cost = "free",
  explains = effects.union(effects.BLIND, effects.STALL, effects.POOR, effects.STEP, { "dead_relu",
    "loss_oscillating" }),
  doc = {
    what = "A weight penalty or decay governs the fit: the weights are pulled to zero faster than"
      .. " the data can push them.",
    formula = "share of the reported loss that is penalty; |gradient of the penalty| / |gradient"
      .. " of the data loss|; lr x decay x steps; RMS of the weights, end over start",
    threshold = "share > 0.5 or gradient ratio > 2, or decay x lr x steps > 3 with decay x lr"
      .. " > 1e-4, or weights under a fifth of their start in the presence of a penalty; an"
      .. " error while skill < 0.5, a remark when it learns. At rest both gradients are equal: the"
      .. " ratio alone is blind then",
    source = "TheDeepChecker (ratio 2), own condition on skill",
    false_alarms = "at convergence the data gradient is small: silent above skill 0.9",
  },
}

---Smallest RMS of a layer's weights at the end over that at the start.
local function shrinkage(case)
  local first = case.signals.init and case.signals.init.layers or {}
  local last = case.signals.final and case.signals.final.layers or {}
  local least, path = 1, nil
  for _, layer in ipairs(case.facts.net.maps) do
    local a, b = first[layer.path], last[layer.path]
    local from, to = a and a.weight_rms, b and b.weight_rms
    if from and to and from > 0 and to / from < least then
      least, path = to / from, layer.path
    end
  end
  return least, path
end

local function decay_of(facts)
  local optimizer = facts:optimizer()
  local decay, lr = optimizer.weight_decay, optimizer.lr
  if type(decay) ~= "number" or type(lr) ~= "number" or decay <= 0 then return 0, 0 end
  return decay * lr * facts.steps, decay * lr
end

local function title_of(share, ratio, shrink, left, path)
  if left < 0.2 and path then
    return string.format("the penalty has pulled the weights of %s to %s of their start", path,
      numfmt.percent(left))
  end
  if shrink > 3 then
    return string.format("weight decay shrinks the weights by exp(-%s) over the run",
      numfmt.number(shrink))
  end
  return string.format("the penalty governs the fit: %s of the loss, its gradient %s times that of"
    .. " the data", numfmt.percent(share), numfmt.number(ratio))
end

function M.check(case)
  local facts, penalty = case.facts, case.signals.penalty
  if facts:well_fitted() or facts.nonfinite then return nil end
  local shrink, rate = decay_of(facts)
  local share, ratio = penalty and penalty.share or 0, penalty and penalty.ratio or 0
  local by_decay = shrink > 3 and rate > 1e-4
  local left, path = 1, nil
  if penalty or shrink > 0 then left, path = shrinkage(case) end
  local pulled = left < 0.2
  if not (share > 0.5 or ratio > 2 or by_decay or pulled) then return nil end
  local strong = share > 0.5 and ratio == 0 or share > 0.5 and ratio > 0.5 or ratio > 2
    or by_decay or pulled
  local poor = facts.failed or facts.state == "plateau_after_progress"
  return finding.new(M, {
    title = title_of(share, ratio, by_decay and shrink or 0, left, path),
    severity = strong and poor and "err" or poor and "warn" or "info",
    where = facts:where(path),
    confidence = math.max(strong and 0.6 or 0.4, ratio > 0 and facts_of.strength(ratio, 2, 50)
      or 0, pulled and facts_of.strength(0.2 / math.max(left, 1e-9), 1, 20) or 0),
    evidence = { finding.evidence("share of the loss that is penalty", share, "under 0.5"),
      finding.evidence("gradient of the penalty over that of the data", ratio, "under 1"),
      finding.evidence("weights at the end over the start", left, "over 0.2"),
      finding.evidence("decay over the run", shrink, "under 1") },
    fixes = { { text = "train without penalty and decay", patch = by_decay
      and { { regularizer = "none" }, { optimizer = { weight_decay = 0 } } }
      or { regularizer = "none" } } },
  })
end

return M
