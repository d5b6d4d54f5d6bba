local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "rows_leak", family = "configuration", class = "exact", needs = { "tests.row_leak" },
  cost = "forward",
  doc = {
    what = "The answer to a row depends on the other rows of its batch: a reshape, a mean or a"
      .. " softmax over the axis of the samples.",
    formula = "the first row's answer beside two different sets of rows, in evaluation",
    source = "Karpathy's recipe (backprop to chart dependencies), torchtest",
    false_alarms = "none: batch normalisation uses its moving statistics in evaluation",
  },
}

function M.check(case)
  local test = case.signals.tests.row_leak
  if not test.leaks then return nil end
  return finding.new(M, {
    title = "the answer to a row changes with the other rows of its batch",
    cause = "softmax_wrong_axis",
    evidence = { finding.evidence("change of one row's answer", test.change, "0") },
    fixes = { { text = "keep the first axis for the samples: reduce, reshape and normalise over the"
      .. " others" } },
  })
end

return M
