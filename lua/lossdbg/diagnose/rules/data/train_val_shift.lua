local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "train_val_shift", cause = "inconsistent_test_preprocessing", family = "data",
  severity = "err", needs = { "data.val" }, cost = "free", least = { n = 20 },
  explains = { "overfit", "labels_uninformative", "missing_regularization" },
  doc = {
    what = "Validation inputs have another scale or centre than training inputs, as when only one"
      .. " of them was normalised.",
    formula = "max_j |mean_tr - mean_val| / sqrt((sd_tr^2 + sd_val^2) / 2), and the share of"
      .. " features whose ratio of standard deviations is outside 0.5 .. 2",
    threshold = "ratio bad on more than half of the features, or shift > max(1, 6 standard errors);"
      .. " an error only when validation fails while training works",
    source = "deepchecks (drift 0.1 .. 0.2 regardless of n); own bound by the standard error",
    false_alarms = "time series drift honestly: a warning unless validation is useless",
  },
}

function M.check(case)
  local data, facts = case.signals.data, case.facts
  local val = data.val
  if not val.mean_shift and not val.sd_ratio_bad_share then
    return nil, "cannot tell: validation statistics were not measured"
  end
  local n_val = val.n or 0
  if n_val < 20 then return nil, "cannot tell: needs at least 20 validation rows" end
  local shift, bad = val.mean_shift or 0, val.sd_ratio_bad_share or 0
  local noise = 6 * math.sqrt(1 / n_val + 1 / (data.n or n_val))
  local scaled_apart = bad > 0.5
  if not (scaled_apart or shift > math.max(1, noise)) then return nil end
  local hurts = facts.val_failed and facts.learned
  return finding.new(M, {
    title = scaled_apart and string.format("validation inputs are scaled differently: %s of the"
        .. " features have another spread", numfmt.percent(bad))
      or string.format("validation inputs are shifted by %s standard deviations",
        numfmt.number(shift)),
    severity = hurts and "err" or (scaled_apart or shift > 3) and "warn" or "info",
    confidence = hurts and 0.9 or 0.55,
    evidence = {
      finding.evidence("largest shift of a mean in standard deviations", shift, "under 1"),
      finding.evidence("share of features with another spread", bad, "under 0.5"),
      finding.evidence("validation skill", facts.val_skill or "unknown", "near the training skill"),
    },
    fixes = { { text = "prepare validation rows with the statistics of the training rows" } },
  })
end

return M
