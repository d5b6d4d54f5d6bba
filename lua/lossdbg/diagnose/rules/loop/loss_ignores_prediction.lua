local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"

local M = {
  id = "loss_ignores_prediction", cause = "loss_ignores_prediction", family = "loop",
  class = "exact", needs = { "loop.law|loop.detached" }, cost = "forward",
  limits = { steps = { 3, "of those looked at: a single one may have been a score" } },
  doc = {
    what = "A loss of the user's own gives the same number whatever the prediction is, or is given"
      .. " a prediction without its history: only other terms have a gradient.",
    formula = "loss(p, y) = loss(p / 2, y) = loss(p + 1/4, y) = loss(-p, y), to the last bit",
    source = "JAX issue 2097 (labels in both places)",
    false_alarms = "none",
  },
}

local function detached(times, limits)
  return finding.new(M, {
    title = ("the loss was given a prediction without its history in %d of the steps looked at: its"
      .. " gradient reaches no weight"):format(times), class = "measured", part = "lost",
    evidence = { finding.evidence("steps looked at", times, finding.under(limits.steps)) },
    fixes = { { text = "give the loss the output of the model itself: no detach, no no_grad" } },
  })
end

function M.check(case, limits)
  local loop = case.signals.loop
  if (loop.detached or 0) >= limits.steps and lost.much(case) then
    return detached(loop.detached, limits)
  end
  if not (loop.law or {}).ignores_prediction then return nil end
  return finding.new(M, {
    title = "the loss does not depend on the prediction", part = "lost",
    evidence = { finding.evidence("change of the loss with other predictions", 0, "over 0") },
    fixes = { { text = "compare the prediction with the target: one of the two is used twice" } },
  })
end

return M
