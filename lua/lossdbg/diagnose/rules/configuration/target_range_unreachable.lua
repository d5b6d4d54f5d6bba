local heads = require "lossdbg.diagnose.heads"

local M = {
  id = "target_range_unreachable", cause = "output_range_mismatch", family = "configuration",
  needs = { "description.layers", "description.loss" },
  cost = "free",
  doc = {
    what = "The last activation cannot produce the targets: sigmoid for targets to 100,"
      .. " relu for negative ones.",
    formula = "part of the targets' range outside the closed range of the last activation,"
      .. " more than the twentieth part that single outliers make up",
    source = "DeepDiagnosis (any target), TheDeepChecker (output never negative)",
    false_alarms = "single outliers",
  },
}

function M.check(case) return heads.finding(M, case) end

return M
