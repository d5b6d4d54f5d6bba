local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"

local M = {
  id = "step_seldom_called", cause = "step_seldom_called", family = "loop", class = "measured",
  needs = { "loop.backwards", "loop.steps" }, cost = "free",
  limits = { epochs = { 0.5, "of an epoch to one update" }, batches = { 8,
    "batches to an update: fewer are common accumulation" } },
  plain_loop = true,
  doc = {
    what = "Gradients of so many batches go into one update that there are hardly any: step stands"
      .. " outside the loop over the batches, or accumulation counts in the wrong unit.",
    formula = "backward passes over updates, and rows of an update over those of the data",
    source = "transformers issue 2995",
    false_alarms = "accumulation over some batches is silent; so is one that a plain fit does not"
      .. " beat",
  },
}

function M.check(case, limits)
  local loop = case.signals.loop
  if loop.steps == 0 then return nil, "not applicable: no update was made" end
  local batches = loop.backwards / loop.steps
  local rows = (loop.rows or {}).of
  local epochs = rows and loop.rows.batch > 0 and batches * loop.rows.batch / rows or nil
  if batches < limits.batches or not epochs or epochs < limits.epochs then return nil end
  return finding.new(M, {
    title = ("one update to %.0f batches: %d updates in all"):format(batches, loop.steps),
    part = lost.part(lost.visibly(case)), strength = batches / limits.batches,
    evidence = { finding.evidence("batches to an update", batches, finding.under(limits.batches)),
      finding.evidence("epochs to an update", epochs, finding.under(limits.epochs)) },
    fixes = { { text = "call opt:step() in the loop over the batches" } },
  })
end

return M
