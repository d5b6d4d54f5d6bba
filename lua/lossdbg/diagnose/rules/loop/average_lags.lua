local finding = require "lossdbg.diagnose.finding"
local lost = require "lossdbg.diagnose.lost"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "average_lags", cause = "ema_not_caught_up", family = "loop", class = "measured",
  needs = { "loop.travelled" }, cost = "free", least = { steps = 8 },
  limits = {
    way = { 0.5, "of the way from the initial to the trained weights" },
    behind = { 0.2, "of the skill: less is what an average may cost" },
  },
  doc = {
    what = "What is evaluated is a running average of the weights that has not followed them: its"
      .. " decay is too near to one for so few steps.",
    formula = "distance of the average from the initial weights over that of the trained ones",
    source = "senpai pull 3136",
    false_alarms = "an average that lags and is as good is silent",
  },
}

function M.check(case, limits)
  local loop = case.signals.loop
  local way = loop.travelled
  if way >= limits.way then return nil end
  return finding.new(M, {
    title = ("the average of the weights has gone %s of the way that the weights went"):format(
      numfmt.percent(way)), part = lost.part(lost.visibly(case)
      or (loop.twin_behind or 0) > limits.behind),
    strength = limits.way / math.max(way, 1e-3),
    evidence = { finding.evidence("share of the way", way, finding.over(limits.way)) },
    fixes = { { text = "a decay d with 1 / (1 - d) well under the number of steps, or one that"
      .. " starts small and grows" } },
  })
end

return M
