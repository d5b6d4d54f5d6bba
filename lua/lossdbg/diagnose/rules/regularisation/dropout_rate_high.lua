local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "dropout_rate_high", cause = "dropout_misuse", family = "regularisation",
  needs = { "description.layers" }, cost = "free",

  limits = {
    far = { 0.8, "four of five signals gone: the share to keep was given as the share to drop" },
    high = { 0.5, "one half is the usual most" },
    input = { 0.3, "inputs bear less than hidden units" },
  },
  doc = {
    what = "Dropout removes most of the signal, as when the share to keep is given as the share to"
      .. " drop.",
    formula = "rate per dropout layer; the highest counts",
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

function M.check(case, limits)
  local facts = case.facts
  local w = worst(facts.net)
  if not w then return nil, "not applicable: no dropout" end
  local most = w.input and limits.input or limits.high
  if w.rate <= most then return nil end
  local class = w.rate >= limits.far and "measured" or "suggestive"
  return finding.new(M, {
    title = string.format("%s drops %s of its inputs", w.layer.path, numfmt.percent(w.rate)),
    class = class,
    where = facts:where(w.layer.path),
    evidence = { finding.evidence("dropout rate", w.rate, finding.between(0, most)) },
    fixes = { { text = "drop 20 %", patch = { dropout = 0.2 } },
      { text = "remove the dropout", patch = { remove = { path = w.layer.path } } } },
  })
end

return M
