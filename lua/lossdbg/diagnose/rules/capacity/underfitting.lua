local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "underfitting", cause = "too_few_units", family = "capacity", severity = "warn",
  role = "symptom", needs = { "trend", "skill" }, cost = "free", least = { steps = 50 },
  explains = {},
  doc = {
    what = "Training has settled although much of the loss is left, on training and validation rows"
      .. " alike: the network is too small, held down, or the targets are noisy.",
    formula = "trend plateau, 0.1 <= skill < 0.9, |training skill - validation skill| < 0.1",
    threshold = "as in the formula; warning under skill 0.3, remark above",
    source = "AutoTrainer, Tuning Playbook",
    false_alarms = "noise has the same look: never an error",
  },
}

function M.check(case)
  local facts = case.facts
  if facts.trend == "undetermined" then return nil, "cannot tell: the trend is undecided" end
  if facts.trend ~= "plateau" or facts.nonfinite or facts.state == "diverging" then return nil end
  local skill = facts.skill
  if not skill or skill < 0.1 or skill >= 0.9 then return nil end
  if facts.val_skill and skill - facts.val_skill > 0.1 then return nil end
  local widest = 0
  for i = 1, #facts.net.maps - 1 do
    local shape = facts.net.maps[i].output_shape
    widest = math.max(widest, type(shape) == "table" and shape[#shape] or 0)
  end
  return finding.new(M, {
    title = string.format("training has settled at a skill of %s", numfmt.number(skill)),
    severity = skill < 0.3 and "warn" or "info", confidence = skill < 0.3 and 0.5 or 0.35,
    evidence = { finding.evidence("skill", skill, "over 0.9 unless targets are noisy"),
      finding.evidence("widest hidden layer", widest) },
    fixes = { { text = "double the width of the hidden layers",
      patch = widest > 0 and { layers = { kind = "dense", hidden = true,
        options = { units = 2 * widest } } } or nil } },
  })
end

return M
