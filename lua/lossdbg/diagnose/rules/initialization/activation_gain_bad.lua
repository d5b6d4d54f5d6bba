local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "activation_gain_bad", cause = "bad_init_scale", family = "initialization",
  severity = "err", needs = { "init.layers", "description.layers" }, cost = "forward",
  explains = effects.union(effects.STALL, effects.POOR, effects.DIVERGE,
    { "init_loss_unexpected", "init_logit_scale_large", "saturated_activation" }),
  doc = {
    what = "The mean square of the pre-activations shrinks or grows at every layer of the fresh"
      .. " network, so that the last ones see nothing or everything.",
    formula = "q = E[z^2] per layer; q_last / q_first, and the gain per layer"
      .. " G = (q_last / q_first)^(1 / (L - 1)), output layer left out",
    threshold = "at least 3 hidden layers; ratio outside 1e-3 .. 1e3, or G outside 0.5 .. 2 with 5"
      .. " or more. Scale-free in the inputs for rectified networks",
    source = "SageMaker and TheDeepChecker compare variances layer by layer; own bound on the"
      .. " whole",
    false_alarms = "widths that change by orders of magnitude: error only in failed runs",
  },
}

local function profile(case)
  local net, q, paths = case.facts.net, {}, {}
  for i = 1, #net.maps - 1 do
    local stat = case.signals.init.layers[net.maps[i].path]
    local value = stat and stat.z_mean_sq
    if value and facts_of.finite(value) then
      q[#q + 1], paths[#paths + 1] = value, net.maps[i].path
    end
  end
  return q, paths
end

function M.check(case)
  local facts = case.facts
  local q, paths = profile(case)
  if #facts.net.maps < 4 then return nil, "not applicable: fewer than 3 hidden layers" end
  if #q < 3 then return nil, "cannot tell: pre-activations were not measured" end
  if q[1] <= 0 then return nil, "cannot tell: the first layer answers zero" end
  local ratio = q[#q] / q[1]
  local gain = ratio ^ (1 / (#q - 1))
  local far = ratio < 1e-3 or ratio > 1e3
  if not far and not (#q >= 5 and (gain < 0.5 or gain > 2)) then return nil end
  local size = math.max(ratio, 1 / math.max(ratio, 1e-300))
  return finding.new(M, {
    title = string.format("signals %s by a factor of %s from %s to %s",
      ratio < 1 and "shrink" or "grow", numfmt.number(size), paths[1], paths[#paths]),
    severity = far and facts:grade("err") or facts:grade("warn"),
    confidence = facts_of.strength(size, 30, 1e5), where = facts:where(paths[#paths]),
    evidence = { finding.evidence("gain per layer", gain, "0.5 .. 2"),
      finding.evidence("E[z^2] last over first layer", ratio, "1e-3 .. 1e3") },
    fixes = { { text = "draw the weights with he_normal", patch = { init = "he_normal" } },
      { text = "use relu in the hidden layers", patch = { layers = { kind = "dense",
        hidden = true, options = { activation = "relu" } } } } },
  })
end

return M
