local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local structure = require "lossdbg.diagnose.structure"

local M = {
  id = "bad_init_scale", cause = "bad_init_scale", family = "initialisation",
  needs = { "init.layers", "description.layers" }, cost = "free",

  limits = {
    off = { 25, "usual initialisers, and 0.05 on layers of usual width, are within it" },
  },
  doc = {
    what = "Initial weights are far too small or too large for their fan-in: signals shrink or grow"
      .. " at every layer.",
    formula = "v = Var(W) fan_in against 2 for rectified layers and 1 otherwise; how far off,"
      .. " either way; small ones against 2 / (fan_in + units), where Glorot asks for less",
    source = "own; DeepDiagnosis' limits on Var(W) ignore the fan-in, TheDeepChecker's factor 2.7"
      .. " flags glorot on narrow layers",
    false_alarms = "small random weights (0.05) in one shallow layer learn",
  },
}

local RECTIFIED = { relu = true, leaky_relu = true, elu = true, selu = true, gelu = true,
  relu6 = true, silu = true, swish = true }

-- Variance against what keeps the signal; below it against Glorot's, where that is smaller: few
-- inputs into many units are small by design.
local function relative(variance, layer, gain)
  local v, units = variance * layer.fan_in / gain, (layer.output_shape or {})
  local width = units[#units]
  if v >= 1 or type(width) ~= "number" then return v end
  return math.min(1, math.max(v, variance * (layer.fan_in + width) / 2))
end

local function worst(case)
  local net, best = case.facts.net, nil
  for _, layer in ipairs(net.maps) do
    local stat = case.signals.init.layers[layer.path]
    local sd = stat and (stat.weight_std or stat.weight_rms)
    if sd and sd > 0 and layer.fan_in and structure.is_linear_map(layer)
      and not stat.symmetric then
      local first = net.after[layer.path][1]
      local v = relative(sd * sd, layer, RECTIFIED[first or ""] and 2 or 1)
      local off = math.max(v, 1 / v)
      if not best or off > best.off then best = { layer = layer, v = v, off = off, sd = sd } end
    end
  end
  return best
end

function M.check(case, limits)
  local facts, w = case.facts, worst(case)
  if not w then return nil, "cannot tell: the initial weights were not measured" end
  -- The output layer may start small on purpose: only a large one counts there.
  if w.layer == facts.net.output and w.v < 1 then return nil end
  if w.off < limits.off then return nil end
  return finding.new(M, {
    title = string.format("initial weights of %s are too %s: variance times fan-in is %s of what"
      .. " keeps the signal", w.layer.path, w.v > 1 and "large" or "small",
      w.v > 1 and numfmt.number(w.v) .. " times" or numfmt.percent(w.v)),


    where = facts:where(w.layer.path), strength = w.off / limits.off,
    -- A run that learns has got over small weights; large ones are felt to the end.
    class = w.v < 1 and facts.learned and "suggestive" or "measured",
    evidence = { finding.evidence("variance x fan-in, relative", w.v,
      finding.between(1 / limits.off, limits.off)),
      finding.evidence("standard deviation of the weights", w.sd) },
    fixes = { { text = "draw the weights with he_normal", patch = { init = "he_normal" } } },
  })
end

return M
