local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "loss_not_decreasing", cause = nil, family = "symptom", class = "measured", role = "symptom",
  needs = { "trend" }, cost = "free",
  doc = {
    what = "The training loss is on a plateau although little has been learnt.",
    formula = "Mann-Kendall test on block means of the loss and the Theil-Sen slope's fastest"
      .. " credible decrease: plateau or increasing, in a run that has not learnt",
    source = "own; comparing with the loss ten steps back fires in every healthy run",
    false_alarms = "undetermined runs are not judged: the number of steps that would do is given",
  },
}

function M.check(case)
  local facts, trend = case.facts, case.signals.trend
  if trend.verdict == "undetermined" and not facts.failed then
    local more = trend.more_steps and string.format(" (about %s more steps would do)",
      numfmt.number(math.ceil(trend.more_steps))) or ""
    if facts.learned then return nil end
    return nil, "cannot tell: the trend is undecided" .. more
  end
  if trend.verdict == "decreasing" or facts.learned or facts.nonfinite then return nil end
  if trend.verdict == "undetermined" then return nil end
  return finding.new(M, {
    title = string.format("the loss is not falling: %s at the start, %s at the end",
      numfmt.number(trend.first), numfmt.number(trend.last)),

    evidence = { finding.evidence("trend statistic z", trend.z or 0),
      finding.evidence("blocks", trend.blocks or 0) },
    fixes = {},
  })
end

return M
