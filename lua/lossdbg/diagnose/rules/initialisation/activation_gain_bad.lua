local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "activation_gain_bad", cause = "bad_init_scale", family = "initialisation",
  needs = { "init.layers", "description.layers" }, cost = "forward",

  limits = {
    ratio = { 1e3, "three orders of magnitude from the first to the last hidden layer" },
    gain = { 2, "half or double at every layer" },
    layers = { 5, "over fewer layers a gain of two is harmless" },
  },
  doc = {
    what = "The mean square of the pre-activations shrinks or grows at every layer of the fresh"
      .. " network, so that the last ones see nothing or everything.",
    formula = "q = E[z^2] per layer; q_last / q_first, and the gain per layer G = (q_last /"
      .. " q_first)^(1 / (L - 1)), output layer left out, at least 3 hidden layers",
    source = "SageMaker and TheDeepChecker compare variances layer by layer; own bound on the"
      .. " whole",
    false_alarms = "widths that change by orders of magnitude",
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

function M.check(case, limits)
  local facts = case.facts
  local q, paths = profile(case)
  if #facts.net.maps < 4 then return nil, "not applicable: fewer than 3 hidden layers" end
  if #q < 3 then return nil, "cannot tell: pre-activations were not measured" end
  if q[1] <= 0 then return nil, "cannot tell: the first layer answers zero" end
  local ratio = q[#q] / q[1]
  local gain = ratio ^ (1 / (#q - 1))
  local far = ratio < 1 / limits.ratio or ratio > limits.ratio
  if not far and not (#q >= limits.layers and (gain < 1 / limits.gain
    or gain > limits.gain)) then return nil end
  local size = math.max(ratio, 1 / math.max(ratio, 1e-300))
  return finding.new(M, {
    title = string.format("signals %s by a factor of %s from %s to %s",
      ratio < 1 and "shrink" or "grow", numfmt.number(size), paths[1], paths[#paths]),

    class = far and "measured" or "suggestive", where = facts:where(paths[#paths]),
      strength = size / limits.ratio,
    evidence = { finding.evidence("gain per layer", gain,
      finding.between(1 / limits.gain, limits.gain)),
      finding.evidence("E[z^2] last over first layer", ratio,
        finding.between(1 / limits.ratio, limits.ratio)) },
    fixes = { { text = "draw the weights with he_normal", patch = { init = "he_normal" } },
      { text = "use relu in the hidden layers", patch = { layers = { kind = "dense",
        hidden = true, options = { activation = "relu" } } } } },
  })
end

return M
