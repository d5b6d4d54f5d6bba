local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "train_eval_inconsistent", cause = "dropout_misuse", family = "regularisation",
  class = "measured", part = "validation",
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

function M.check(case, limits)
  local final, facts = case.signals.final, case.facts
  local train, eval = final.train_mode_loss, final.loss
  local baseline = facts.baseline
  if not baseline then return nil, "cannot tell: the baseline is not known" end
  if facts.nonfinite or not (eval > limits.ratio * train
    and eval - train > limits.share * baseline) then return nil end
  return finding.new(M, {
    title = string.format("the same rows cost %s in training mode and %s in evaluation mode",
      numfmt.number(train), numfmt.number(eval)),

    evidence = { finding.evidence("evaluation over training mode", eval / train,
      finding.under(limits.ratio)) },
    fixes = { { text = "lower the dropout, or train longer for the running statistics" } },
  })
end

return M
