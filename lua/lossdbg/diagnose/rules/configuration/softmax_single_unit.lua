local heads = require "lossdbg.diagnose.heads"

local M = {
  id = "softmax_single_unit", cause = "softmax_single_unit", family = "configuration",
  needs = { "description.layers", "description.loss" }, cost = "free",
  doc = {
    what = "Softmax over one unit is always 1, and its gradient always 0: nothing can be"
      .. " learnt.",
    formula = "softmax applied to an axis of size 1",
    source = "NeuraLint (binary classifier with the wrong last activation)",
    false_alarms = "none: the axis is that of the layer which applies it",
  },
}

function M.check(case) return heads.finding(M, case) end

return M
