local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "loss_diverging", cause = "lr_too_high", family = "symptom", class = "measured",
  role = "symptom", needs = { "loss|epoch_loss|trend" }, cost = "free",

  limits = {
    leaps = { 2, "one leap may be one bad batch" },
  },
  doc = {
    what = "The loss grows, or leaps to many times its level again and again: the step is too large"
      .. " for the curvature. Units may be alive, and the end may by chance lie near the baseline.",
    formula = "trend increasing and the last block far above the best; or steps after the first"
      .. " fifth with a loss over ten times max(baseline, median)",
    source = "fastai stops at 4x the best, pytorch-lr-finder at 5x; AutoTrainer's absolute 1000 is"
      .. " not scale-free",
    false_alarms = "single outlier batches are one leap, not two",
  },
}

function M.check(case, limits)
  local facts, trend = case.facts, case.signals.trend or {}
  if facts.state ~= "diverging" then return nil end
  local leapt = facts.leaps >= limits.leaps
  local lr = facts:optimizer().lr
  local fixes = { { text = "clip the gradient norm at 1", patch = { clip_norm = 1 } } }
  if type(lr) == "number" then
    table.insert(fixes, 1, { text = string.format("lower the learning rate to %s",
      numfmt.number(lr / 10)), patch = { optimizer = { lr = lr / 10 } } })
  end
  return finding.new(M, {
    title = leapt and string.format("the loss leaps up to %s against a level of %s",
        numfmt.number(facts.worst), numfmt.number(facts.level or facts.baseline or 0))
      or string.format("the loss grows: best %s, last %s", numfmt.number(trend.best),
        numfmt.number(trend.last)),

    evidence = {
      finding.evidence("leaps over ten times the level", facts.leaps, "0"),
      finding.evidence("highest loss", leapt and facts.worst or trend.last or 0,
        facts.baseline and "under " .. numfmt.number(facts.baseline) or nil),
    },
    fixes = fixes,
  })
end

return M
