local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "update_ratio_too_large", cause = "lr_too_high", family = "learning_rate",
  needs = { "layers" }, cost = "free", least = { steps = 5 },

  limits = {
    warn = { 0.03, "thirty times the usual thousandth" },
    high = { 0.3, "a third of the weights' size in every step: the network is thrown about" },
    leap = { 1, "one step longer than the weights themselves, in a run that failed" },
    usual = { 1e-3, "what is aimed at when a rate is proposed" },
  },
  doc = {
    what = "A step changes the weights by a large part of their size: the network is thrown about"
      .. " instead of led. One such step at the start can kill all rectified units for good.",
    formula = "u = RMS(dW) / RMS(W) per layer: median over the steps that moved, and the largest",
    source = "Karpathy (1e-3), TheDeepChecker (0.1), SageMaker (10)",
    false_alarms = "zero-initialised matrices and first steps of adam: the median bears them; a"
      .. " remark in runs that learn",
  },
}

local function largest(list)
  local top, at = 0, nil
  for i, v in ipairs(list or {}) do
    if facts_of.finite(v) and v > top then top, at = v, i end
  end
  return top, at
end

local function moved_median(list)
  local moved = {}
  for _, v in ipairs(list or {}) do
    if v > 0 then moved[#moved + 1] = v end
  end
  return facts_of.median(moved) or 0
end

local function worst(case, limits)
  local best
  for _, layer in ipairs(case.facts.net.layers) do
    local stat = case.signals.layers[layer.path]
    if stat and (stat.ratio or stat.ratio_median) then
      local median = stat.ratio and moved_median(stat.ratio) or stat.ratio_median
      local top, at = largest(stat.ratio)
      local score = math.max(median / limits.warn, case.facts.failed and top or 0)
      if not best or score > best.score then
        best = { score = score, layer = layer, median = median, top = top, at = at }
      end
    end
  end
  return best
end

function M.check(case, limits)
  local facts, w = case.facts, worst(case, limits)
  if not w then return nil, "cannot tell: update ratios were not measured" end
  local blow = facts.failed and w.top > limits.leap
  if w.median <= limits.warn and not blow then return nil end
  local lr = facts:optimizer().lr
  local size = blow and w.top or w.median
  local divisor = blow and 100 or math.max(10, 10 ^ math.floor(math.log(w.median / limits.usual,
    10)))
  local fixes = {}
  if type(lr) == "number" and lr > 0 then
    fixes[1] = { text = string.format("lower the learning rate to %s",
      numfmt.number(lr / divisor)), patch = { optimizer = { lr = lr / divisor } } }
  end
  fixes[#fixes + 1] = { text = "clip the gradient norm at 1", patch = { clip_norm = 1 } }
  return finding.new(M, {
    title = string.format("%s %s by %s its size", blow and "one step changes" or "steps change",
      w.layer.path, size > 10 and numfmt.number(size) .. " times" or numfmt.percent(size)
        .. " of"),

    class = (blow or w.median > limits.high) and "measured" or "suggestive",
    where = facts:where(w.layer.path),
    strength = blow and w.top / limits.leap or w.median / limits.warn,
    evidence = { finding.evidence("median update over weight", w.median,
        finding.under(limits.warn)),
      finding.evidence("largest update over weight", w.top,
        finding.under(limits.leap)) },
    fixes = fixes,
  })
end

return M
