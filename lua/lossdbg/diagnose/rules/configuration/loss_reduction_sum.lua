local finding = require "lossdbg.diagnose.finding"
local effects = require "lossdbg.diagnose.effects"

local M = {
  id = "loss_reduction_sum", cause = "loss_sum_reduction", family = "configuration",
  severity = "err", needs = { "description.loss" }, cost = "free",
  explains = effects.union(effects.DIVERGE, effects.STEP, { "dead_relu", "saturated_activation",
    "loss_at_baseline", "loss_not_decreasing", "zero_gradient_layer", "output_constant",
    "single_class_prediction", "init_loss_unexpected" }),
  doc = {
    what = "The loss is summed over the batch instead of averaged: the effective step grows with"
      .. " the batch.",
    formula = "reduction = sum; or doubling the batch doubles the loss",
    threshold = "exact; an error only where training failed, with a batch of at least 8",
    source = "TheDeepChecker (duplicated batch)",
    false_alarms = "harmless with a learning rate to match and with adam: a remark when it learns",
  },
}

function M.check(case)
  local facts, loss = case.facts, case.facts:loss()
  local test = case.signals.tests and case.signals.tests.duplicate
  local doubled = test and test.ratio and test.ratio > 1.9 and test.ratio < 2.1
  if loss.reduction ~= "sum" and not doubled then return nil end
  local batch = case.description.batch or 32
  local scale_free = (facts:optimizer().name or ""):find("^ada") or facts:optimizer().name
    == "rmsprop"
  return finding.new(M, {
    title = string.format("the loss is summed over the batch: steps are %d times as long", batch),
    severity = batch >= 8 and facts:grade("err") or "info", confidence = scale_free and 0.45 or 0.8,
    evidence = { finding.evidence("reduction", loss.reduction or "sum", "mean"),
      finding.evidence("batch", batch) },
    fixes = { { text = "average the loss over the batch",
      patch = { loss = { reduction = "mean" } } } },
  })
end

return M
