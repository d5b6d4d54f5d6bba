local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "warmup_too_long", cause = "warmup_too_long", family = "loop", class = "measured",
  needs = { "lr", "loop.named_lr" }, cost = "free", least = { steps = 20 },
  limits = {
    reached = { 0.5, "of the rate that was named, at the end" },
    rising = { 0.9, "of the steps at which the rate does not fall" },
  },
  doc = {
    what = "The learning rate rises to the end and is far below the one that was named: the warm-up"
      .. " is longer than the training, or counts in another unit.",
    formula = "largest rate used over the rate named, where rates only rise",
    source = "GPT2-Chinese issue 60",
    false_alarms = "a rate that falls again, or is reached, is silent",
  },
}

function M.check(case, limits)
  local rates, named = case.signals.lr, case.signals.loop.named_lr
  local last, rises, n = rates[#rates], 0, #rates
  for i = 2, n do
    if rates[i] >= rates[i - 1] then rises = rises + 1 end
  end
  if not (named > 0 and last > rates[1]) or rises < limits.rising * (n - 1)
    or last >= limits.reached * named then
    return nil
  end
  return finding.new(M, {
    title = ("the rate was still rising at the end: %s of the %s that was named"):format(
      numfmt.percent(last / named), numfmt.number(named)),
    part = lost.part(lost.much(case)), strength = limits.reached * named / last,
    evidence = { finding.evidence("largest rate over the rate named", last / named,
      finding.over(limits.reached)), finding.evidence("steps", n) },
    fixes = { { text = "warm up for a tenth of the steps or less; do not mix steps and epochs" } },
  })
end

return M
