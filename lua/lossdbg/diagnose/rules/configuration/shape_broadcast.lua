local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "shape_broadcast", cause = "shape_broadcast", family = "configuration", class = "exact",
  needs = { "description.loss" }, cost = "free",

  doc = {
    what = "Prediction [N, 1] and target [N] are broadcast against each other to [N, N]: every"
      .. " answer is compared with every target, so that the best answer is the mean.",
    formula = "number of elements of the loss over number of targets; lossdbg's own losses"
      .. " refuse it, own losses and recorded runs may do it",
    source = "pytorch #16045 (a convex regression that did not converge)",
    false_alarms = "none",
  },
}

function M.check(case)
  local loss = case.facts:loss()
  if not loss.broadcast then return nil end
  local facts = case.facts
  return finding.new(M, {
    title = "prediction and target are broadcast against each other inside the loss",
    where = facts:where(facts.net.output and facts.net.output.path),
    evidence = { finding.evidence("shape of the prediction", loss.prediction_shape
      and table.concat(loss.prediction_shape, " x ") or "[N, 1]", "that of the target"),
      finding.evidence("shape of the target", loss.target_shape
        and table.concat(loss.target_shape, " x ") or "[N]") },
    fixes = { { text = "reshape the target to the shape of the prediction",
      patch = { loss = { broadcast = false } } } },
  })
end

return M
