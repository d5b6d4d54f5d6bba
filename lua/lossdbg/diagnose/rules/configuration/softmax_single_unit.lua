local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "softmax_single_unit", cause = "softmax_single_unit", family = "configuration",
  class = "exact",
  needs = { "description.layers" }, cost = "free",

  doc = {
    what = "Softmax over one unit is always 1, and its gradient always 0: nothing can be learnt.",
    formula = "last activation softmax, last width 1",
    source = "NeuraLint (binary classifier with the wrong last activation)",
    false_alarms = "none",
  },
}

function M.check(case)
  local facts, net = case.facts, case.facts.net
  if net.output_activation ~= "softmax" or facts:units() ~= 1 then return nil end
  local fixes = { { text = "use sigmoid with binary cross-entropy",
    patch = { { output = { activation = "sigmoid" } },
      { loss = { name = "binary_crossentropy", from_logits = false } } } } }
  if (facts.classes or 0) > 2 then
    fixes = { { text = string.format("use %d units with softmax", facts.classes),
      patch = { output = { units = facts.classes, activation = "softmax" } } } }
  end
  return finding.new(M, {
    title = "softmax over a single unit always answers 1",
    where = facts:where(net.output.path),
    evidence = { finding.evidence("units under the softmax", 1, "number of classes") },
    fixes = fixes,
  })
end

return M
