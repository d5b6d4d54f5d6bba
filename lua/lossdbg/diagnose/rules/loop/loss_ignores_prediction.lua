local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "loss_ignores_prediction", cause = "loss_ignores_prediction", family = "loop",
  class = "exact", needs = { "loop.law" }, cost = "forward",
  doc = {
    what = "A loss of the user's own gives the same number whatever the prediction is: only other"
      .. " terms have a gradient.",
    formula = "loss(p, y) = loss(p / 2, y) = loss(p + 1/4, y) = loss(-p, y), to the last bit",
    source = "JAX issue 2097 (labels in both places)",
    false_alarms = "none",
  },
}

function M.check(case)
  if not case.signals.loop.law.ignores_prediction then return nil end
  return finding.new(M, {
    title = "the loss does not depend on the prediction", part = "lost",
    evidence = { finding.evidence("change of the loss with other predictions", 0, "over 0") },
    fixes = { { text = "compare the prediction with the target: one of the two is used twice" } },
  })
end

return M
