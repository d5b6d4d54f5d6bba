local finding = require "lossdbg.diagnose.finding"
local effects = require "lossdbg.diagnose.effects"

local M = {
  id = "dropout_after_output", cause = "dropout_misuse", family = "regularization",
  severity = "crit", needs = { "description.layers" }, cost = "free",
  explains = effects.union(effects.POOR, effects.DIVERGE, { "loss_not_decreasing",
    "train_eval_inconsistent", "init_loss_unexpected", "logits_into_probability_loss",
    "softmax_wrong_axis" }),
  doc = {
    what = "Dropout stands between the last weights and the loss: answers are set to zero at"
      .. " random.",
    formula = "a dropout layer behind the last layer with weights",
    threshold = "exact; a warning in a run that learns",
    source = "keras #5992",
    false_alarms = "none",
  },
}

function M.check(case)
  local facts, net = case.facts, case.facts.net
  if not net.output then return nil, "cannot tell: no layer with weights" end
  local behind, found = false, nil
  for _, layer in ipairs(net.layers) do
    if layer == net.output then behind = true end
    local rate = (layer.options or {}).rate or (layer.options or {})[1]
    if behind and layer.kind == "dropout" and rate ~= 0 then found = layer end
  end
  if not found then return nil end
  return finding.new(M, {
    title = string.format("%s drops answers of the network at random", found.path),
    severity = facts.learned and "warn" or "crit", confidence = 0.95,
    where = facts:where(found.path),
    evidence = { finding.evidence("dropout layers behind the output", 1, "0") },
    fixes = { { text = "remove the dropout behind the output",
      patch = { remove = { path = found.path } } } },
  })
end

return M
