local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "update_underflow", cause = "lr_too_low", family = "numerics",
  needs = { "layers" }, cost = "free", least = { steps = 3 },

  limits = {
    most = { 0.5, "half of the updates are lost" },
    nearly_all = { 0.9, "hardly any update arrives" },
  },
  doc = {
    what = "Steps are smaller than half a unit in the last place of the weights: adding them"
      .. " changes"
      .. " nothing.",
    formula = "share of the elements with fl32(w + dw) = w although dw ~= 0",
    source = "own; ratio rules call it vanishing gradients",
    false_alarms = "the end of a converged run: silent when it learnt",
  },
}

function M.check(case, limits)
  local facts, worst, path, seen = case.facts, 0, nil, false
  for _, layer in ipairs(facts.net.layers) do
    local stat = case.signals.layers[layer.path]
    if stat and stat.underflow then
      seen = true
      if stat.underflow > worst then worst, path = stat.underflow, layer.path end
    end
  end
  if not seen then return nil, "cannot tell: lost updates were not counted" end
  if worst <= limits.most or facts.learned then return nil end
  local lr, fixes = facts:optimizer().lr, {}
  if type(lr) == "number" and lr > 0 then
    fixes[1] = { text = string.format("raise the learning rate to %s", numfmt.number(lr * 1000)),
      patch = { optimizer = { lr = lr * 1000 } } }
  end
  return finding.new(M, {
    title = string.format("%s of the updates of %s are lost to rounding", numfmt.percent(worst),
      path),
    class = worst > limits.nearly_all and "measured" or "suggestive",
    where = facts:where(path),
    evidence = { finding.evidence("updates lost to rounding", worst,
      finding.under(limits.most), "share") },
    fixes = fixes,
  })
end

return M
