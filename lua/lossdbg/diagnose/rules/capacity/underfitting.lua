local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "underfitting", cause = "too_few_units", family = "capacity", class = "suggestive",
  role = "symptom", needs = { "trend", "skill" }, cost = "free", least = { steps = 50 },

  limits = {
    least = { 0.1, "below it the run has not learnt at all, which has other rules" },
    most = { 0.9, "above it little is left" },
    gap = { 0.1, "training far ahead of validation is overfitting" },
  },
  doc = {
    what = "Training has settled although much of the loss is left, on training and validation rows"
      .. " alike: the network is too small, held down, or the targets are noisy.",
    formula = "trend plateau, skill of the training rows between nothing and all, that of the"
      .. " validation rows close to it",
    source = "AutoTrainer, Tuning Playbook",
    false_alarms = "noise has the same look",
  },
}

function M.check(case, limits)
  local facts = case.facts
  if facts.trend == "undetermined" then return nil, "cannot tell: the trend is undecided" end
  if facts.trend ~= "plateau" or facts.nonfinite or facts.state == "diverging" then return nil end
  local skill = facts.skill
  if not skill or skill < limits.least or skill >= limits.most then return nil end
  if facts.val_skill and skill - facts.val_skill > limits.gap then return nil end
  local widest = 0
  for i = 1, #facts.net.maps - 1 do
    local shape = facts.net.maps[i].output_shape
    widest = math.max(widest, type(shape) == "table" and shape[#shape] or 0)
  end
  return finding.new(M, {
    title = string.format("training has settled at a skill of %s", numfmt.number(skill)),

    evidence = { finding.evidence("skill", skill,
      finding.over(limits.most) .. " unless targets are noisy"),
      finding.evidence("widest hidden layer", widest) },
    fixes = { { text = "double the width of the hidden layers",
      patch = widest > 0 and { layers = { kind = "dense", hidden = true,
        options = { units = 2 * widest } } } or nil } },
  })
end

return M
