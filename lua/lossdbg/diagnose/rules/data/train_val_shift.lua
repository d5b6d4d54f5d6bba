local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "train_val_shift", cause = "inconsistent_test_preprocessing", family = "data",
  part = "validation",
  needs = { "data.val" }, cost = "free", least = { n = 20 },

  limits = {
    shift = { 1, "a whole standard deviation between the means" },
    far = { 3, "three of them are no drift" },
    errors = { 6, "and that many standard errors, so that few rows do not decide" },
    spread = { 0.5, "most columns with another spread: another scaling" },
    rows = { 20, "fewer rows have no mean to speak of" },
  },
  doc = {
    what = "Validation inputs have another scale or centre than training inputs, as when only one"
      .. " of them was normalised.",
    formula = "max_j |mean_tr - mean_val| / sqrt((sd_tr^2 + sd_val^2) / 2), and the share of"
      .. " features whose standard deviations differ by more than a factor of two",
    source = "deepchecks (drift 0.1 .. 0.2 regardless of n); own bound by the standard error",
    false_alarms = "time series drift honestly: a warning unless validation fails while training"
      .. " works",
  },
}

function M.check(case, limits)
  local data, facts = case.signals.data, case.facts
  local val = data.val
  if not val.mean_shift and not val.sd_ratio_bad_share then
    return nil, "cannot tell: validation statistics were not measured"
  end
  local n_val = val.n or 0
  if n_val < limits.rows then return nil, "cannot tell: too few validation rows" end
  local shift, bad = val.mean_shift or 0, val.sd_ratio_bad_share or 0
  local noise = limits.errors * math.sqrt(1 / n_val + 1 / (data.n or n_val))
  local scaled_apart = bad > limits.spread
  if not (scaled_apart or shift > math.max(limits.shift, noise)) then return nil end
  local column = val.mean_shift_column
  local where = column and (data.names and data.names[column] or "column " .. column)
  return finding.new(M, {
    title = scaled_apart and string.format("validation inputs are scaled differently: %s of the"
        .. " features have another spread", numfmt.percent(bad))
      or string.format("validation inputs are shifted by %s standard deviations%s",
        numfmt.number(shift), where and " in " .. where or ""),

    class = (scaled_apart or shift > limits.far) and "measured" or "suggestive",
    evidence = {
      finding.evidence("largest shift of a mean in standard deviations", shift,
        finding.under(limits.shift), where),
      finding.evidence("share of features with another spread", bad,
        finding.under(limits.spread)),
      finding.evidence("validation skill", facts.val_skill or "unknown", "near the training skill"),
    },
    fixes = { { text = "prepare validation rows as the training rows are (tried: with their"
      .. " mean and spread)",
      patch = { data = "match_val" } } },
  })
end

return M
