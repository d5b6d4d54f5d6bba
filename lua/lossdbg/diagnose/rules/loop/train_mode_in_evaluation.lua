local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "train_mode_in_evaluation", cause = "train_mode_in_evaluation", family = "loop",
  class = "exact", needs = { "loop.broken" }, cost = "free",
  limits = { share = { 0.1, "of the baseline between the two modes" } },
  doc = {
    what = "The loop evaluates with dropout or the statistics of the batch switched on, or two"
      .. " evaluations of the same rows differ: what it reports is not what the model can do.",
    formula = "passes without gradients and with training = true, of a model with two modes;"
      .. " outputs of two evaluation passes, bit by bit",
    source = "nanoGPT issue 240; torch.nn.Module.eval is the commonest answer in forums",
    false_alarms = "dropout left on to estimate uncertainty is meant: a warning where the model"
      .. " learns and the modes agree",
  },
}

function M.check(case, limits)
  local loop, final = case.signals.loop, case.signals.final or {}
  if loop.passes_differ then
    return finding.new(M, {
      title = "two evaluations of the same rows differ: something random is on in evaluation",
      part = "lost", evidence = { finding.evidence("outputs that agree", "not all", "all") },
      fixes = { { text = "make noise depend on context.training" } },
    })
  end
  local found = finding.broken(case, "evaluation_mode")
  if not found then return nil end
  local baseline, apart = case.facts.baseline, nil
  if baseline and baseline > 0 and final.train_mode_loss and final.loss then
    apart = math.abs(final.train_mode_loss - final.loss) / baseline
  end
  return finding.new(M, {
    title = ("%d evaluation passes ran in training mode"):format(found.count),
    where = { step = found.step, source = found.line },
    class = apart and apart < limits.share and "suggestive" or "exact",
    part = apart and apart >= limits.share and "lost" or nil,
    evidence = { finding.evidence("loss of the same rows, training mode against evaluation mode",
      apart and numfmt.percent(apart) or "not measured", finding.under(limits.share)) },
    fixes = { { text = "leave out { training = true } where nothing is trained" } },
  })
end

return M
