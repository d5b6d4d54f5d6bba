local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"

local M = {
  id = "evaluation_mode_in_training", cause = "batchnorm_statistics_lag", family = "loop",
  class = "measured", needs = { "loop.passes", "loop.broken" }, cost = "free",
  limits = { share = { 0.5, "of the training passes: single ones may be meant" } },
  plain_loop = true,
  doc = {
    what = "The passes that train run in evaluation mode: dropout does nothing, and batch"
      .. " normalisation uses and never learns its moving statistics.",
    formula = "passes with gradients and without training = true over all with gradients",
    source = "own; public threads on model.train() after validation",
    false_alarms = "frozen batch normalisation is in evaluation mode on purpose and does not count",
  },
}

function M.check(case, limits)
  local found, passes = finding.broken(case, "training_mode"), case.signals.loop.passes
  if not found or passes.training == 0 then return nil end
  local share = passes.training_as_evaluation / passes.training
  if share < limits.share then return nil end
  local normalised = case.facts.net.has_batch_norm
  return finding.new(M, {
    title = ("%d of %d training passes ran in evaluation mode"):format(
      passes.training_as_evaluation, passes.training),
    cause = not normalised and "dropout_misuse" or nil,
    where = { step = found.step, source = found.line },
    part = lost.part(lost.visibly(case)), strength = share / limits.share,
    evidence = { finding.evidence("training passes in evaluation mode", share,
      finding.under(limits.share)) },
    fixes = { { text = "call the model with { training = true } in the loop" } },
  })
end

return M
