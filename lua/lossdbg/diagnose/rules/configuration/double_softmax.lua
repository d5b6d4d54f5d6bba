local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"

local M = {
  id = "double_softmax", cause = "double_softmax", family = "configuration", severity = "err",
  needs = { "description.layers", "description.loss" }, cost = "free",
  explains = effects.union(effects.POOR, { "plateau_fingerprint", "vanishing_gradient",
    "init_loss_unexpected", "loss_not_decreasing", "update_ratio_too_small",
    "step_undershoot", "loss_activation_mismatch" }),
  doc = {
    what = "The network ends in softmax and the loss applies softmax again: the loss cannot fall"
      .. " below ln(1 + (K-1)/e), and gradients are small.",
    formula = "softmax output under a cross-entropy with from_logits; floor ln(1 + (K-1)/e): K = 2"
      .. " 0.3133, 3 0.5515, 10 1.4612",
    threshold = "exact by structure; a log-softmax output is harmless",
    source = "pytorch #55902, TheDeepChecker's mutants",
    false_alarms = "none; an error even when it learns, a warning when its skill exceeds 0.8",
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
    severity = (facts.skill or 0) > 0.8 and "warn" or "err", confidence = 0.97,
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
