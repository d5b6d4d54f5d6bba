local heads = require "lossdbg.diagnose.heads"

local M = {
  id = "missing_output_activation", cause = "missing_output_activation",
  family = "configuration",
  needs = { "description.layers", "description.loss" }, cost = "free",
  doc = {
    what = "Raw scores reach a cross-entropy that expects probabilities: they are clipped, and the"
      .. " clipped ones pass no gradient.",
    formula = "cross-entropy without from_logits on a linear output, confirmed by outputs below"
      .. " 0, above 1, or rows that do not add up to 1",
    source = "TheDeepChecker, AutoTrainer; UMLAUT looks at the layer's name and flags regressions",
    false_alarms = "networks that normalise in a lambda are judged by their values",
  },
}

function M.check(case) return heads.finding(M, case) end

return M
