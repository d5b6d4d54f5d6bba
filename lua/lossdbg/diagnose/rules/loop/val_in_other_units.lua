local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "val_in_other_units", cause = "inconsistent_test_preprocessing", family = "loop",
  class = "measured", part = "validation", needs = { "val_units" }, cost = "forward",
  limits = {
    mean = { 3, "standard deviations of the training targets between the means" },
    scale = { 3, "times the spread, either way" },
    correlation = { 0.3, "between prediction and target: the relation is there" },
    rows = { 20, "fewer rows say nothing about a mean" },
  },
  doc = {
    what = "Targets of the validation rows are in other units than those of the training rows:"
      .. " predictions follow them, but with another mean and scale.",
    formula = "means and standard deviations of both targets, and the correlation with the"
      .. " predictions in both",
    source = "Uni-Mol pull 148",
    false_alarms = "rows of another kind do not follow the predictions",
  },
}

function M.check(case, limits)
  local u = case.signals.val_units
  local train, val = u.train, u.val
  if u.n < limits.rows then return nil, "cannot tell: too few validation rows" end
  if not (train.std > 0 and val.std > 0) then return nil, "not applicable: a constant target" end
  local shift, scale = math.abs(val.mean - train.mean) / train.std, val.std / train.std
  local apart = math.max(scale, 1 / scale)
  if (shift < limits.mean and apart < limits.scale) or val.correlation < limits.correlation then
    return nil
  end
  return finding.new(M, {
    title = ("targets of the validation rows are in other units: mean %.3g and deviation %.3g, in "
      .. "training %.3g and %.3g"):format(val.mean, val.std, train.mean, train.std), part = "lost",
    strength = math.max(shift / limits.mean, apart / limits.scale),
    evidence = { finding.evidence("means apart, in standard deviations", shift,
      finding.under(limits.mean)),
      finding.evidence("spread, one over the other", apart, finding.under(limits.scale)),
      finding.evidence("correlation with the predictions", val.correlation,
        finding.over(limits.correlation)) },
    fixes = { { text = "scale the targets of all rows by the numbers of the training rows" } },
  })
end

return M
