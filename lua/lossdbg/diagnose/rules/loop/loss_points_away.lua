local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "loss_points_away", cause = "gradient_sign_flipped", family = "loop", class = "exact",
  needs = { "loop.law" }, cost = "backward",
  limits = { away = { 0.05, "of the entries: rounding at the target itself is less" } },
  doc = {
    what = "For some rows a loss of the user's own falls when the prediction leaves its target: the"
      .. " sign depends on the row, or is turned for all.",
    formula = "share of entries with (prediction - target) x slope < 0, and the loss of some"
      .. " prediction is below that of the target itself",
    source = "monodle issue 30 (a division by a signed prediction)",
    false_alarms = "losses whose best answer is not the target itself are asked for both",
  },
}

function M.check(case, limits)
  local law = case.signals.loop.law
  if not law.away then return nil, "not applicable: the loss compares no numbers of one shape" end
  if law.away < limits.away or (law.below_perfect or 0) <= 0 then return nil end
  return finding.new(M, {
    title = ("the loss of %s of the entries falls when the prediction leaves its target"):format(
      numfmt.percent(law.away)), part = "lost", strength = law.away / limits.away,
    evidence = { finding.evidence("entries whose slope leads away", law.away,
      finding.under(limits.away)),
      finding.evidence("rows with a loss below that of the target", law.below_perfect, "0") },
    fixes = { { text = "divide by absolute values; a loss is least where prediction and target"
      .. " agree" } },
  })
end

return M
