local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"

local M = {
  id = "dropout_rate_high", cause = "dropout_misuse", family = "regularization",
  severity = "err", needs = { "description.layers" }, cost = "free",
  explains = effects.union(effects.BLIND, effects.POOR, effects.STALL, effects.DIVERGE,
    effects.STEP,
    { "dead_relu" }),
  doc = {
    what = "Dropout removes most of the signal, as when the share to keep is given as the share to"
      .. " drop.",
    formula = "rate per dropout layer",
    threshold = ">= 0.8: error where training failed or settled half way; > 0.5, or > 0.3 on the"
      .. " inputs: remark or warning",
    source = "UMLAUT (0.5)",
    false_alarms = "0.5 is the usual value and silent; very wide layers bear more",
  },
}

local function rate_of(layer)
  local options = layer.options or {}
  return options.rate or (type(options[1]) == "number" and options[1]) or nil
end

local function worst(net)
  local best, seen_map = nil, false
  for _, layer in ipairs(net.layers) do
    if net.after[layer.path] then seen_map = true end
    if layer.kind == "dropout" then
      local rate = rate_of(layer)
      if rate and (not best or rate > best.rate) then
        best = { rate = rate, layer = layer, input = not seen_map }
      end
    end
  end
  return best
end

function M.check(case)
  local facts = case.facts
  local w = worst(facts.net)
  if not w then return nil, "not applicable: no dropout" end
  local severity
  if w.rate >= 0.8 then
    severity = facts.state == "plateau_after_progress" and "err" or facts:grade("err", "warn")
  elseif w.rate > 0.5 or (w.input and w.rate > 0.3) then
    severity = facts:grade("warn")
  else
    return nil
  end
  return finding.new(M, {
    title = string.format("%s drops %s of its inputs", w.layer.path, numfmt.percent(w.rate)),
    severity = severity, confidence = w.rate >= 0.8 and 0.85 or 0.45,
    where = facts:where(w.layer.path),
    evidence = { finding.evidence("dropout rate", w.rate, w.input and "0 .. 0.3" or "0 .. 0.5") },
    fixes = { { text = "drop 20 %", patch = { dropout = 0.2 } },
      { text = "remove the dropout", patch = { remove = { path = w.layer.path } } } },
  })
end

return M
