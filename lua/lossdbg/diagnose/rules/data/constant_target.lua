local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "constant_target", cause = "constant_target", family = "data", class = "exact",
  needs = { "data.y" }, cost = "free", least = { n = 2 },

  doc = {
    what = "All targets are equal, so that there is nothing to learn but a constant.",
    formula = "var(y) = 0, or one class only",
    source = "TheDeepChecker",
    false_alarms = "none",
  },
}

function M.check(case)
  local y = case.signals.data.y
  if not (y.constant or y.classes == 1) then return nil end
  return finding.new(M, {
    title = string.format("all %s targets are equal (%s)", numfmt.number(y.n or
      case.signals.data.n or 0), numfmt.number(y.mean or y.min or 0)),

    evidence = { finding.evidence("variance of the target", y.var or 0, "more than 0"),
      finding.evidence("distinct targets", 1, "at least 2") },
    fixes = { { text = "check which column is read as the target" } },
  })
end

return M
