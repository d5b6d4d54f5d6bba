local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "still_statistics", cause = "batchnorm_statistics_lag", family = "loop", class = "exact",
  needs = { "loop.still_statistics" }, cost = "free", least = { steps = 8 },
  doc = {
    what = "The moving statistics of batch normalisation have the values they began with, to the"
      .. " last bit, although batches went through: evaluation normalises by nothing.",
    formula = "moving mean and variance = initial ones, in every such layer",
    source = "PyTorch issue 15298 (momentum 0 means another thing there)",
    false_alarms = "frozen layers do not count",
  },
}

function M.check(case)
  local still = case.signals.loop.still_statistics
  return finding.new(M, {
    title = "the moving statistics of batch normalisation never moved", part = "lost",
    where = case.facts:where(still[1]),
    evidence = { finding.evidence("layers whose statistics are those of the start",
      numfmt.list(still), "none") },
    fixes = { { text = "momentum = 0.1 in PyTorch's sense, 0.99 in that of Keras; train with"
      .. " { training = true }" } },
  })
end

return M
