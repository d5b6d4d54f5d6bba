local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "loss_oscillating", cause = "lr_too_high", family = "symptom", class = "suggestive",
  role = "symptom", needs = { "epoch_loss" }, cost = "free", least = { epochs = 8 },

  limits = {
    rise = { 0.2, "a rise of a fifth over a whole epoch, which averages sampling noise out" },
    share = { 0.25, "in a quarter of the epochs" },
    flips = { 0.5, "rises and falls alternate" },
    rises = { 2, "one rise is an event, not an oscillation" },
  },
  doc = {
    what = "The mean loss of whole epochs jumps up and down: more than sampling noise, which an"
      .. " epoch averages out.",
    formula = "in the second half of the epochs: share of clear rises, and alternation of rises"
      .. " and falls",
    source = "AutoTrainer and TheDeepChecker count sign flips, which white noise has in 2 of 3"
      .. " steps",
    false_alarms = "losses near zero jump in relative terms: silent in well-fitted runs",
  },
}

local function count(list, rise)
  local n = #list
  local from = n // 2 + 1
  local rises, flips, last, steps = 0, 0, 0, 0
  for i = math.max(2, from), n do
    local change = (list[i] - list[i - 1]) / math.max(math.abs(list[i - 1]), 1e-300)
    local sign = change > 0 and 1 or change < 0 and -1 or 0
    steps = steps + 1
    if change > rise then rises = rises + 1 end
    if last ~= 0 and sign == -last then flips = flips + 1 end
    last = sign
  end
  return rises / steps, flips / math.max(1, steps - 1), rises
end

function M.check(case, limits)
  local facts = case.facts
  if facts.nonfinite or facts:well_fitted() then return nil end
  if facts.trend == "decreasing" and facts.learned then return nil end
  local share, flips, rises = count(case.signals.epoch_loss, limits.rise)
  if share < limits.share or flips < limits.flips or rises < limits.rises then return nil end
  local lr = facts:optimizer().lr
  local fixes = {}
  if type(lr) == "number" then
    fixes[1] = { text = string.format("lower the learning rate to %s", numfmt.number(lr / 10)),
      patch = { optimizer = { lr = lr / 10 } } }
  end
  return finding.new(M, {
    title = string.format("the loss oscillates: %d of the last epochs rose by more than %s",
      rises, numfmt.percent(limits.rise)),

    evidence = { finding.evidence("epochs that rose so", share, finding.under(limits.share),
      "share of the second half"), finding.evidence("alternating epochs", flips,
        finding.under(limits.flips)) },
    fixes = fixes,
  })
end

return M
