local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "loss_oscillating", cause = "lr_too_high", family = "symptom", severity = "warn",
  role = "symptom", needs = { "epoch_loss" }, cost = "free", least = { epochs = 8 },
  explains = { "loss_not_decreasing" },
  doc = {
    what = "The mean loss of whole epochs jumps up and down: more than sampling noise, which an"
      .. " epoch averages out.",
    formula = "in the second half of the epochs: share of rises by more than 20 %, and"
      .. " alternation of"
      .. " rises and falls",
    threshold = "rises by 20 % in at least a quarter of the epochs, alternation in at least half,"
      .. " skill < 0.9",
    source = "AutoTrainer and TheDeepChecker count sign flips, which white noise has in 2 of 3"
      .. " steps",
    false_alarms = "losses near zero jump in relative terms: silent above skill 0.9",
  },
}

local function count(list)
  local n = #list
  local from = n // 2 + 1
  local rises, flips, last, steps = 0, 0, 0, 0
  for i = math.max(2, from), n do
    local change = (list[i] - list[i - 1]) / math.max(math.abs(list[i - 1]), 1e-300)
    local sign = change > 0 and 1 or change < 0 and -1 or 0
    steps = steps + 1
    if change > 0.2 then rises = rises + 1 end
    if last ~= 0 and sign == -last then flips = flips + 1 end
    last = sign
  end
  return rises / steps, flips / math.max(1, steps - 1), rises
end

function M.check(case)
  local facts = case.facts
  if facts.nonfinite or facts:well_fitted() then return nil end
  if facts.trend == "decreasing" and facts.learned then return nil end
  local share, flips, rises = count(case.signals.epoch_loss)
  if share < 0.25 or flips < 0.5 or rises < 2 then return nil end
  local lr = facts:optimizer().lr
  local fixes = {}
  if type(lr) == "number" then
    fixes[1] = { text = string.format("lower the learning rate to %s", numfmt.number(lr / 10)),
      patch = { optimizer = { lr = lr / 10 } } }
  end
  return finding.new(M, {
    title = string.format("the loss oscillates: %d of the last epochs rose by more than 20 %%",
      rises),
    severity = "warn", confidence = 0.7,
    evidence = { finding.evidence("epochs that rose by 20 %", share, "under 0.25",
      "share of the second half"), finding.evidence("alternating epochs", flips, "under 0.5") },
    fixes = fixes,
  })
end

return M
