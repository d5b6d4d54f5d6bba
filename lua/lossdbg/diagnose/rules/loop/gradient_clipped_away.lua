local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"

local M = {
  id = "gradient_clipped_away", cause = "gradient_clipped_away", family = "loop",
  class = "measured", needs = { "loop.looks", "loop.optimizers" }, cost = "free",
  least = { steps = 8 },
  limits = { left = { 0.05, "of the gradient's norm, in the middle of the run" } },
  plain_loop = true,
  doc = {
    what = "Clipping leaves next to nothing of the gradient, in the optimiser or by hand between"
      .. " backward and step, or works on a gradient of another scale: steps are far smaller than"
      .. " the rate says.",
    formula = "median over the looks of norm(step) / norm(backward), without the factor that the"
      .. " loss was multiplied by",
    source = "PyTorch Lightning issue 9599",
    false_alarms = "Adam and its kin do not see the scale of a gradient: they are not judged;"
      .. " nor is a loop that a plain fit does not beat",
  },
}

function M.check(case, limits)
  local loop = case.signals.loop
  if loop.optimizers.scale_free then return nil, "not applicable: the rule is free of scale" end
  local left = math.min(loop.altered or 1, loop.clip or 1)
  if left >= limits.left then return nil end
  return finding.new(M, {
    title = ("clipping leaves %.2g of the gradient"):format(left),
    part = lost.part(lost.much(case)), strength = limits.left / math.max(left, 1e-12),
    evidence = { finding.evidence("norm of the gradient used over that computed", left,
      finding.over(limits.left)) },
    fixes = { { text = "clip at a norm near that of ordinary steps; scale back before clipping" } },
  })
end

return M
