local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "over_regularisation", cause = "over_regularisation", family = "regularisation",
  needs = { "penalty|description.optimizer" }, cost = "free",

  limits = {
    share = { 0.5, "more than half of the loss is penalty" },
    ratio = { 2, "the penalty pulls twice as hard as the data" },
    with_share = { 0.5, "a large share counts where its gradient is felt as well" },
    travel = { 3, "decay x lr x steps: the weights are left with a twentieth" },
    rate = { 1e-4, "decay x lr: slower decay is outrun by any gradient" },
    left = { 0.2, "weights at a fifth of their start" },
  },
  doc = {
    what = "A weight penalty or decay governs the fit: the weights are pulled to zero faster than"
      .. " the data can push them.",
    formula = "share of the reported loss that is penalty; |gradient of the penalty| / |gradient"
      .. " of the data loss|; lr x decay x steps; RMS of the weights, end over start. At rest"
      .. " both gradients are equal: the ratio alone is blind then",
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

local function title_of(share, ratio, shrink, left, path, limits)
  if left < limits.left and path then
    return string.format("the penalty has pulled the weights of %s to %s of their start", path,
      numfmt.percent(left))
  end
  if shrink > limits.travel then
    return string.format("weight decay shrinks the weights by exp(-%s) over the run",
      numfmt.number(shrink))
  end
  return string.format("the penalty governs the fit: %s of the loss, its gradient %s times that of"
    .. " the data", numfmt.percent(share), numfmt.number(ratio))
end

function M.check(case, limits)
  local facts, penalty = case.facts, case.signals.penalty
  if facts:well_fitted() or facts.nonfinite then return nil end
  local shrink, rate = decay_of(facts)
  local share, ratio = penalty and penalty.share or 0, penalty and penalty.ratio or 0
  local by_decay = shrink > limits.travel and rate > limits.rate
  local left, path = 1, nil
  if penalty or shrink > 0 then left, path = shrinkage(case) end
  local pulled = left < limits.left
  if not (share > limits.share or ratio > limits.ratio or by_decay or pulled) then return nil end
  local strong = share > limits.share and (ratio == 0 or ratio > limits.with_share)
    or ratio > limits.ratio or by_decay or pulled
  return finding.new(M, {
    title = title_of(share, ratio, by_decay and shrink or 0, left, path, limits),

    where = facts:where(path), strength = math.max(1, ratio / limits.ratio,
      limits.left / math.max(left, 1e-9)),
    class = strong and "measured" or "suggestive",
    evidence = { finding.evidence("share of the loss that is penalty", share,
      finding.under(limits.share)),
      finding.evidence("gradient of the penalty over that of the data", ratio,
        finding.under(limits.ratio), penalty and penalty.data_norm
          and ("%s against %s"):format(numfmt.number(penalty.norm),
            numfmt.number(penalty.data_norm))),
      finding.evidence("weights at the end over the start", left,
        finding.over(limits.left)),
      finding.evidence("decay over the run", shrink, finding.under(limits.travel)) },
    fixes = { { text = "train without penalty and decay", patch = by_decay
      and { { regularizer = "none" }, { optimizer = { weight_decay = 0 } } }
      or { regularizer = "none" } } },
  })
end

return M
