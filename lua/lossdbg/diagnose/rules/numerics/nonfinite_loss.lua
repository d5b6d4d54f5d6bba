local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "nonfinite_loss", cause = "lr_too_high", family = "numerics", class = "exact",
  role = "symptom", needs = { "loss|epoch_loss|final.loss|nonfinite" }, cost = "free",

  doc = {
    what = "The loss is NaN or infinite.",
    formula = "loss ~= loss or |loss| = inf",
    source = "every tool",
    false_alarms = "none; exact zeros, which DeepLocalize counts as errors, are not",
  },
}

local function first_bad(list)
  for i = 1, list and #list or 0 do
    local v = list[i]
    if v ~= v or v == math.huge or v == -math.huge then return i, v end
  end
  return nil
end

function M.check(case)
  local s, facts = case.signals, case.facts
  if not facts.nonfinite then return nil end
  local step, value = first_bad(s.loss)
  local epoch
  if not step then
    epoch, value = first_bad(s.epoch_loss)
    step = s.nonfinite and s.nonfinite.step or epoch and case.description.steps_per_epoch
      and epoch * case.description.steps_per_epoch
  end
  if value == nil then value = 0 / 0 end
  local lr, fixes = facts:optimizer().lr, {}
  if type(lr) == "number" and lr > 0 then
    fixes[1] = { text = string.format("lower the learning rate to %s", numfmt.number(lr / 100)),
      patch = { optimizer = { lr = lr / 100 } } }
  end
  fixes[#fixes + 1] = { text = "clip the gradient norm at 1", patch = { clip_norm = 1 } }
  return finding.new(M, {
    title = string.format("the loss is %s%s", numfmt.number(value),
      step and " from step " .. numfmt.number(step) or epoch and " from epoch " .. epoch or ""),
    where = facts:where(nil, step),
    evidence = { finding.evidence("first non-finite step", step or "unknown") },
    fixes = fixes,
  })
end

return M
