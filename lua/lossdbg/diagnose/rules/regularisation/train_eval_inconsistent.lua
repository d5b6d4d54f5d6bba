local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "train_eval_inconsistent", cause = "dropout_misuse", family = "regularisation",
  part = "validation",
  needs = { "final.train_mode_loss", "final.loss" }, cost = "forward",

  limits = {
    ratio = { 2, "twice the loss on the same rows with the same weights" },
    share = { 0.2, "a fifth of the baseline: more than batches differ by" },
  },
  doc = {
    what = "The same rows have a much larger loss in evaluation mode than in training mode: running"
      .. " statistics are stale or dropout is scaled wrongly.",
    formula = "loss in evaluation mode over loss in training mode, same rows and weights",
    source = "TheDeepChecker (relative difference 0.5)",
    false_alarms = "dropout makes the training-mode loss larger, which is right and silent",
  },
}

-- Whether one loss is far above another. Below zero a ratio says nothing: then the distance alone.
local function apart(low, high, baseline, limits)
  if high - low <= limits.share * math.abs(baseline) then return false end
  return low <= 0 or high > limits.ratio * low
end

-- Which of the two it is: with the statistics of the batch in place of the moving ones, dropout
-- still off, stale statistics have no part in the loss any more.
local function statistics_lag(case, limits)
  local final = case.signals.final
  local own, eval, baseline = final.batch_statistics_loss, final.loss, case.facts.baseline
  return own and apart(own, eval, baseline, limits)
end

local function momentum_fix(case)
  for _, layer in ipairs(case.facts.net.layers) do
    local options = layer.options or {}
    if layer.kind == "batch_norm" then
      return { text = "let the running statistics follow faster (momentum 0.9)",
        patch = { layers = { kind = "batch_norm",
          options = { momentum = options.flavor == "torch" and 0.1 or 0.9 } } } }
    end
  end
end

function M.check(case, limits)
  local final, facts = case.signals.final, case.facts
  local train, eval = final.train_mode_loss, final.loss
  if not facts.baseline then return nil, "cannot tell: the baseline is not known" end
  if facts.nonfinite then return nil end
  local lags = statistics_lag(case, limits)
  if not lags and not apart(train, eval, facts.baseline, limits) then return nil end
  local own = lags and final.batch_statistics_loss or train
  return finding.new(M, {
    cause = lags and "batchnorm_statistics_lag" or "dropout_misuse",
    class = lags and "exact" or "measured", strength = own > 0 and eval / own / limits.ratio or 1,
    title = string.format("the same rows cost %s %s and %s in evaluation mode",
      numfmt.number(own), lags and "with the statistics of the batch" or "in training mode",
      numfmt.number(eval)),
    evidence = { finding.evidence(lags and "evaluation over statistics of the batch"
      or "evaluation over training mode", eval / own, finding.under(limits.ratio)) },
    fixes = { lags and momentum_fix(case) or { text = "take the dropout out",
      patch = { dropout = 0 } },
      { text = lags and "make the running statistics anew over the training rows"
        or "train longer for the running statistics" } },
  })
end

return M
