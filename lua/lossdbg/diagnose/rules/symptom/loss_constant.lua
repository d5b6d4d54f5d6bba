local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "loss_constant", cause = nil, family = "symptom", class = "exact", role = "symptom",
  needs = { "epoch_loss" }, cost = "free", least = { epochs = 3 },
  doc = {
    what = "The loss does not change at all, beyond rounding: no update is applied, or no gradient"
      .. " arrives.",
    formula = "range of the last epoch losses (up to ten) over their size: nothing beyond"
      .. " rounding",
    source = "DeepDiagnosis and DeepLocalize test mean = maximum; SageMaker's UnchangedTensor",
    false_alarms = "a perfectly fitted run is constant near zero: silenced by its skill",
  },
}

function M.check(case)
  local facts = case.facts
  if not facts.constant or facts.learned then return nil end
  return finding.new(M, {
    title = string.format("the loss stays at %s to the last digit", numfmt.number(facts.level)),

    evidence = { finding.evidence("loss", facts.level or 0),
      finding.evidence("epochs", facts.epochs) },
    fixes = {},
  })
end

return M
