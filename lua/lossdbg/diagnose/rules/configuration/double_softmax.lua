local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "double_softmax", cause = "double_softmax", family = "configuration", class = "exact",
  needs = { "description.layers", "description.loss" }, cost = "free",

  doc = {
    what = "The network ends in softmax and the loss applies softmax again: the loss cannot fall"
      .. " below ln(1 + (K-1)/e), and gradients are small.",
    formula = "softmax output under a cross-entropy with from_logits; floor ln(1 + (K-1)/e) for"
      .. " K classes; a log-softmax output is harmless",
    source = "pytorch #55902, TheDeepChecker's mutants",
    false_alarms = "none",
  },
}

function M.check(case)
  local facts, loss = case.facts, case.facts:loss()
  local name = loss.name or ""
  if not (name == "categorical_crossentropy" or name == "sparse_crossentropy") then
    return nil, "not applicable: no cross-entropy over classes"
  end
  if not loss.from_logits or facts.net.output_activation ~= "softmax" then return nil end
  local k = facts:units() or facts.classes
  local floor = k and k > 1 and math.log(1 + (k - 1) / math.exp(1))
  return finding.new(M, {
    title = string.format("softmax twice: in the last layer and inside %s%s", name,
      floor and ", the loss cannot fall below " .. numfmt.number(floor) or ""),

    where = facts:where(facts.net.output and facts.net.output.path),
    evidence = { finding.evidence("floor of the loss", floor or "unknown", "0"),
      finding.evidence("loss", facts.level or "unknown") },
    fixes = {
      { text = "tell the loss that it gets probabilities",
        patch = { loss = { from_logits = false } } },
      { text = "drop the softmax of the last layer",
        patch = { output = { activation = "linear" } } },
    },
  })
end

return M
