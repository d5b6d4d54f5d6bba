local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"
local structure = require "lossdbg.diagnose.structure"

local M = {
  id = "saturated_activation", cause = "saturating_hidden_activation", family = "activation",
  severity = "err", needs = { "final.layers|init.layers", "description.layers" },
  cost = "forward", explains = effects.union(effects.BLIND, effects.STALL, effects.POOR),
  doc = {
    what = "Bounded hidden units work in their flat range: their derivative is nearly zero, so that"
      .. " no gradient reaches the layers before them.",
    formula = "unit saturated when the mean of phi'(z) over the samples is under 5 % of its"
      .. " maximum",
    threshold = "> 50 % of the units: warning, > 90 %: error, both only where the run fails",
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

function M.check(case)
  local facts = case.facts
  local layer, share, seen = worst_layer(facts, "final")
  if not seen then layer, share, seen = worst_layer(facts, "init") end
  if not seen then return nil, "not applicable: no bounded hidden layer was measured" end
  if share <= 0.5 then return nil end
  local init = case.signals.init and case.signals.init.layers or {}
  local before = init[layer.path] and init[layer.path].saturated_share
  return finding.new(M, {
    title = string.format("%s of the %s units in %s are saturated", numfmt.percent(share),
      structure.activation_of(layer), layer.path),
    severity = share > 0.9 and facts:grade("err", "info") or facts:grade("warn", "info"),
    confidence = share > 0.9 and 0.85 or 0.6, where = facts:where(layer.path),
    evidence = {
      finding.evidence("saturated units", share, "under 0.5", "share of the layer"),
      finding.evidence("saturated units before training", before or "unknown", "under 0.5"),
    },
    fixes = fixes_of(layer.path),
  })
end

return M
