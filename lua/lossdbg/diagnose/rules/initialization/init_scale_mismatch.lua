local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"
local facts_of = require "lossdbg.diagnose.facts"
local structure = require "lossdbg.diagnose.structure"

local M = {
  id = "init_scale_mismatch", cause = "bad_init_scale", family = "initialization",
  severity = "err", needs = { "init.layers", "description.layers" }, cost = "free",
  explains = effects.union(effects.STALL, effects.POOR, effects.DIVERGE, effects.STEP,
    { "activation_gain_bad", "init_loss_unexpected", "init_logit_scale_large", "dead_relu",
      "saturated_activation" }),
  doc = {
    what = "Initial weights are far too small or too large for their fan-in: signals shrink or grow"
      .. " at every layer.",
    formula = "v = Var(W) fan_in against 2 for rectified layers and 1 otherwise",
    threshold = "off by a factor of 25: warning, 200: error, where training failed; under 25"
      .. " silent."
      .. " Independent of the data",
    source = "own; DeepDiagnosis' limits on Var(W) ignore the fan-in, TheDeepChecker's factor 2.7"
      .. " flags glorot on narrow layers",
    false_alarms = "small random weights (0.05) in one shallow layer learn: a remark then",
  },
}

local RECTIFIED = { relu = true, leaky_relu = true, elu = true, selu = true, gelu = true,
  relu6 = true, silu = true, swish = true }

local function worst(case)
  local net, best = case.facts.net, nil
  for _, layer in ipairs(net.maps) do
    local stat = case.signals.init.layers[layer.path]
    local sd = stat and (stat.weight_std or stat.weight_rms)
    if sd and sd > 0 and layer.fan_in and structure.is_linear_map(layer)
      and not stat.symmetric then
      local first = net.after[layer.path][1]
      local v = sd * sd * layer.fan_in / (RECTIFIED[first or ""] and 2 or 1)
      local off = math.max(v, 1 / v)
      if not best or off > best.off then best = { layer = layer, v = v, off = off, sd = sd } end
    end
  end
  return best
end

function M.check(case)
  local facts, w = case.facts, worst(case)
  if not w then return nil, "cannot tell: the initial weights were not measured" end
  -- The output layer may start small on purpose: only a large one counts there.
  if w.layer == facts.net.output and w.v < 1 then return nil end
  if w.off < 25 then return nil end
  return finding.new(M, {
    title = string.format("initial weights of %s are too %s: variance times fan-in is %s of what"
      .. " keeps the signal", w.layer.path, w.v > 1 and "large" or "small",
      w.v > 1 and numfmt.number(w.v) .. " times" or numfmt.percent(w.v)),
    severity = facts:grade(w.off >= 200 and "err" or "warn"),
    confidence = facts_of.strength(w.off, 25, 2500), where = facts:where(w.layer.path),
    evidence = { finding.evidence("variance x fan-in, relative", w.v, "0.25 .. 4"),
      finding.evidence("standard deviation of the weights", w.sd) },
    fixes = { { text = "draw the weights with he_normal", patch = { init = "he_normal" } } },
  })
end

return M
