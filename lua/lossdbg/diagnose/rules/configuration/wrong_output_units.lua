local heads = require "lossdbg.diagnose.heads"

local M = {
  id = "wrong_output_units", cause = "wrong_output_units", family = "configuration",
  needs = { "description.layers", "description.loss" },
  cost = "free",
  doc = {
    what = "The number of output units does not fit the number of classes or targets.",
    formula = "the size of the last axis of what the network really answers, against the"
      .. " number of ids (largest + 1) or the width of the targets",
    source = "NeuraLint, TheDeepChecker",
    false_alarms = "sequences and images are compared by their last axis",
  },
}

function M.check(case) return heads.finding(M, case) end

return M
