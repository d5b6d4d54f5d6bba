local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "loss_sum_reduction", cause = "loss_sum_reduction", family = "configuration",
  needs = { "description.loss" }, cost = "free",

  limits = {
    batch = { 8, "a sum over fewer rows is within the freedom of a learning rate" },
  },
  doc = {
    what = "The loss is summed over the batch instead of averaged: the effective step grows with"
      .. " the batch.",
    formula = "reduction = sum; suggestive in small batches and under optimisers whose step does"
      .. " not grow with the gradient",
    source = "TheDeepChecker (duplicated batch)",
    false_alarms = "harmless with a learning rate to match: a remark when it learns",
  },
}

function M.check(case, limits)
  local facts, loss = case.facts, case.facts:loss()
  if loss.reduction ~= "sum" then return nil end
  local batch = case.description.batch or 32
  local scale_free = (facts:optimizer().name or ""):find("^ada") or facts:optimizer().name
    == "rmsprop"
  return finding.new(M, {
    title = string.format("the loss is summed over the batch: steps are %d times as long", batch),
    class = (scale_free or batch < limits.batch) and "suggestive" or "measured",
    evidence = { finding.evidence("reduction", loss.reduction, "mean"),
      finding.evidence("batch", batch) },
    fixes = { { text = "average the loss over the batch",
      patch = { loss = { reduction = "mean" } } } },
  })
end

return M
