local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "loop_falls_short", family = "loop", class = "measured", role = "symptom",
  needs = { "outside" }, cost = "side_run",
  doc = {
    what = "A plain fit of the same model with the same optimiser, on the same rows and for as many"
      .. " steps, ends far better than the loop; or the loss on the data is far above what the"
      .. " steps reported. The loop does something else than train this model on this data.",
    formula = "skill of the plain fit minus skill of the loop, the worse of two orders of the rows;"
      .. " (loss on the data - mean of the last steps' losses) / baseline",
    source = "own: it alarmed on none of 64 sound loops",
    false_alarms = "a copy of a model that hardly trains may be lucky: two fits are asked",
  },
}

function M.check(case)
  local much, why = lost.much(case), (case.signals.outside.reference or {}).why
  if not much then return nil, why and "cannot tell: " .. why or nil end
  local out, skill = case.signals.outside, case.signals.skill or {}
  local reference = out.reference or {}
  local by_fit = (out.gain or 0) >= (out.gap or 0)
  return finding.new(M, {
    title = by_fit and ("a plain fit of the same model on the same rows reaches a skill of %s in"
      .. " as many steps, this loop %s"):format(numfmt.number(reference.skill),
      numfmt.number(skill.value)) or ("the loss on the data is %s of the baseline above what the"
      .. " steps reported"):format(numfmt.percent(out.gap)),
    part = "lost", strength = much / lost.limits.much[1],
    evidence = { finding.evidence("share of the baseline", much,
      finding.under(lost.limits.much[1])) },
    fixes = { { text = "compare the loop with experiment:fit step by step" } },
  })
end

return M
