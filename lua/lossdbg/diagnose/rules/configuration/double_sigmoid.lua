local heads = require "lossdbg.diagnose.heads"

local M = {
  id = "double_sigmoid", cause = "double_softmax", family = "configuration",
  needs = { "description.layers", "description.loss" }, cost = "free",
  doc = {
    what = "The network ends in sigmoid and the loss applies sigmoid again: the second answer lies"
      .. " between 0.5 and 0.731, so that class 0 can never be certain.",
    formula = "sigmoid output under binary cross-entropy with from_logits; floors 0.3133 and"
      .. " 0.6931",
    source = "own",
    false_alarms = "none",
  },
}

function M.check(case) return heads.finding(M, case) end

return M
