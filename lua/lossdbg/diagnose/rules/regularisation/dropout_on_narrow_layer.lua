local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "dropout_on_narrow_layer", cause = "dropout_misuse", family = "regularisation",
  class = "exact", needs = { "description.layers" }, cost = "free",
  limits = { all = { 0.05, "one row in twenty gets no signal at all" } },
  doc = {
    what = "Dropout on so few units that whole rows lose all of them: the layers behind get noise.",
    formula = "rate ^ width, the probability that every unit of a row is dropped",
    source = "public question threads",
    false_alarms = "none: it is the arithmetic of dropout; 50 % of five units is silent",
  },
}

local function lost(layer)
  local options, shape = layer.options or {}, layer.input_shape
  local rate = options.rate or (type(options[1]) == "number" and options[1]) or 0
  if layer.kind ~= "dropout" or type(shape) ~= "table" or #shape ~= 1 then return 0, rate end
  return rate ^ shape[1], rate, shape[1]
end

function M.check(case, limits)
  local facts, worst = case.facts, nil
  for _, layer in ipairs(facts.net.layers) do
    local all, rate, width = lost(layer)
    if all > limits.all and (not worst or all > worst.all) then
      worst = { all = all, rate = rate, width = width, layer = layer }
    end
  end
  if not worst then return nil end
  return finding.new(M, {
    title = ("%s drops all of its %d inputs at once in %s of the rows"):format(worst.layer.path,
      worst.width, numfmt.percent(worst.all)),
    where = facts:where(worst.layer.path), strength = worst.all / limits.all,
    evidence = { finding.evidence("rows that lose every unit", worst.all,
      finding.under(limits.all)), finding.evidence("dropout rate", worst.rate),
      finding.evidence("units", worst.width) },
    fixes = { { text = "remove the dropout from so narrow a layer",
      patch = { remove = { path = worst.layer.path } } },
      { text = "remove all dropout", patch = { dropout = 0 } } },
  })
end

return M
