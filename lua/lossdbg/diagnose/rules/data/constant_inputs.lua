local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "constant_inputs", cause = "constant_inputs", family = "data", class = "exact",
  needs = { "data.x" }, cost = "free", least = { n = 2 },

  doc = {
    what = "All samples carry the same values: the network cannot tell them apart and at best"
      .. " learns the class frequencies.",
    formula = "all rows equal, or every feature constant: sd_j <= 1e-6 (1 + |mean_j|) for all j",
    source = "SageMaker Debugger (AllZero), TheDeepChecker",
    false_alarms = "none",
  },
}

function M.check(case)
  local x, data = case.signals.data.x, case.signals.data
  local constant = x.constant and x.constant.count or 0
  local all = data.d and data.d > 0 and constant >= data.d
  if not (x.identical or all) then return nil end
  local zero = x.max == 0 and x.min == 0
  return finding.new(M, {
    title = zero and string.format("all inputs are zero in all %d rows", data.n)
      or string.format("all %d rows of the inputs are equal", data.n),

    evidence = {
      finding.evidence("constant features", numfmt.number(constant > 0 and constant or data.d or 0),
        "few", "of " .. tostring(data.d)),
      finding.evidence("range of the inputs", string.format("%s .. %s", numfmt.number(x.min or 0),
        numfmt.number(x.max or 0))),
    },
    fixes = { { text = "check the loader: it returns the same row for every index, or a scaling"
      .. " step wiped the features out" } },
  })
end

return M
