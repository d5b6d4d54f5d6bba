local heads = require "lossdbg.diagnose.heads"

local M = {
  id = "final_layer_nonlinear", cause = "wrong_output_activation", family = "configuration",
  needs = { "description.layers", "description.loss" }, cost = "free",
  doc = {
    what = "An activation stands between the last weights and the softmax or sigmoid: its"
      .. " range is all that is left of the scores.",
    formula = "two activations behind the last weights, the inner one bounded or rectified",
    source = "UMLAUT warns of every non-linear last layer",
    false_alarms = "leaky activations lose little and are silent",
  },
}

function M.check(case) return heads.finding(M, case) end

return M
