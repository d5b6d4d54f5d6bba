local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local structure = require "lossdbg.diagnose.structure"

local M = {
  id = "saturating_hidden_activation", cause = "saturating_hidden_activation",
  family = "activation",
  needs = { "final.layers|init.layers", "description.layers" },
  cost = "forward",
  limits = {
    most = { 0.5, "half of the entries flat: the mean slope is below half of the largest" },
    nearly_all = { 0.9, "hardly any entry passes a gradient" },
  },
  doc = {
    what = "Bounded hidden units work in their flat range: their derivative is nearly zero, so that"
      .. " no gradient reaches the layers before them.",
    formula = "entry saturated when it lies where the slope of the activation is under 4 % of"
      .. " its largest; share of the entries of a layer's output, over units and samples",
    source = "own; SageMaker's limits mean a derivative of 1e-7, far too late",
    false_alarms = "gates and saturated codes that learn: silent to a remark in runs that learn",
  },
}

local BOUNDED = { sigmoid = true, tanh = true, hard_sigmoid = true, softsign = true }

local function fixes_of(path)
  return {
    { text = "use relu in the hidden layers",
      patch = { layer = { path = path, options = { activation = "relu" } } } },
    { text = "standardise what the layer reads",
      patch = { insert = { at = 1, layer = { kind = "normalization", adapt = true } } } },
  }
end

---The most saturated hidden layer.
local function worst_layer(facts, when)
  local output = facts.net.output
  local worst, share, seen
  for _, layer, stat in facts:measured(when) do
    local activation = structure.activation_of(layer)
    if BOUNDED[activation or ""] and stat.saturated_share and layer ~= output then
      seen = true
      if not share or stat.saturated_share > share then
        worst, share = layer, stat.saturated_share
      end
    end
  end
  return worst, share, seen
end

function M.check(case, limits)
  local facts = case.facts
  local layer, share, seen = worst_layer(facts, "final")
  if not seen then layer, share, seen = worst_layer(facts, "init") end
  if not seen then return nil, "not applicable: no bounded hidden layer was measured" end
  if share <= limits.most then return nil end
  local init = case.signals.init and case.signals.init.layers or {}
  local before = init[layer.path] and init[layer.path].saturated_share
  return finding.new(M, {
    title = string.format("%s of the %s outputs of %s are saturated", numfmt.percent(share),
      structure.activation_of(layer), layer.path),

    class = share > limits.nearly_all and "measured" or "suggestive",
      where = facts:where(layer.path),
    evidence = {
      finding.evidence("saturated outputs", share, finding.under(limits.most),
        "share of the entries"),
      finding.evidence("saturated before training", before or "unknown",
        finding.under(limits.most)),
    },
    fixes = fixes_of(layer.path),
  })
end

return M
