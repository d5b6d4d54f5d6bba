local heads = require "lossdbg.diagnose.heads"

local M = {
  id = "double_softmax", cause = "double_softmax", family = "configuration",
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

function M.check(case) return heads.finding(M, case) end

return M
