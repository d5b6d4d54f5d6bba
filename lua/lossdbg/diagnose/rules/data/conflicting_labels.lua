local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "conflicting_labels", cause = "uninformative_labels", family = "data",
  needs = { "data.conflicts" }, cost = "free", least = { n = 20 },

  limits = {
    part = { 0.05, "a floor of a twentieth of the baseline is felt" },
    most = { 0.5, "half of the baseline cannot be removed by anybody" },
  },
  doc = {
    what = "Equal inputs carry different targets. No network can tell them apart, so that the loss"
      .. " has a floor above zero.",
    formula = "floor = entropy (or variance) of the targets inside groups of equal rows, weighted"
      .. " by group size; compared with the loss of the best constant answer",
    source = "deepchecks (conflicting labels)",
    false_alarms = "coarse features make honest conflicts",
  },
}

function M.check(case, limits)
  local conflicts, facts = case.signals.data.conflicts, case.facts
  local floor, baseline = conflicts.floor, facts.baseline
  if not floor or not baseline or baseline <= 0 then
    return nil, "cannot tell: the floor of conflicting rows or the baseline is not known"
  end
  if case.signals.data.x and case.signals.data.x.identical then return nil end
  local part = floor / baseline
  if part <= limits.part then return nil end
  return finding.new(M, {
    title = string.format("equal inputs with different targets keep the loss above %s (%s of the"
      .. " baseline)", numfmt.number(floor), numfmt.percent(part)),

    class = part > limits.most and "measured" or "suggestive",
    evidence = { finding.evidence("loss floor of conflicting rows", floor, "0"),
      finding.evidence("share of rows in conflict", conflicts.share or 0, "0") },
    fixes = { { text = "check how rows and targets were joined and whether features were cut" } },
  })
end

return M
