local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "target_not_normalized", cause = "unscaled_targets", family = "data", severity = "err",
  needs = { "data.y", "description.loss" }, cost = "free", least = { n = 2 },
  explains = effects.union(effects.DIVERGE, effects.STEP, effects.POOR, effects.STALL,
    { "dead_relu", "saturated_activation", "init_loss_unexpected", "weights_unchanged" }),
  doc = {
    what = "Regression targets have a large offset or spread. The first gradients are proportional"
      .. " to it: the output overshoots, units die or the loss explodes, or the bias spends the"
      .. " whole budget on reaching the mean.",
    formula = "sd(y), |mean(y)| / sd(y), and the price of starting from zero E[y^2] / var(y)",
    threshold = "sd > 10 or < 0.1, or |mean| / sd > 3; an error only where training failed",
    source = "own; TheDeepChecker applies its input rule to targets",
    false_alarms = "a small step and many epochs reach any target: a run that learns gets a remark",
  },
}

local LOSSES = { mse = true, mae = true, huber = true, log_cosh = true, mean_squared_error = true,
  mean_absolute_error = true }
local SD_HIGH, SD_LOW, OFFSET = 10, 0.1, 3

local function judge(y)
  local sd = y.std or math.sqrt(y.var or 0)
  local offset = sd > 0 and math.abs(y.mean or 0) / sd or math.huge
  local confidence = 0
  if sd > SD_HIGH then confidence = facts_of.strength(sd, SD_HIGH, 100 * SD_HIGH) end
  if sd < SD_LOW then confidence = facts_of.strength(SD_LOW / sd, 1, 100) - 0.1 end
  if offset > OFFSET then
    confidence = math.max(confidence, facts_of.strength(offset, OFFSET, 30 * OFFSET))
  end
  return confidence, sd, offset
end

function M.check(case)
  local y, facts = case.facts.y, case.facts
  if not LOSSES[facts:loss().name or ""] or (facts.task and facts.task ~= "regression") then
    return nil, "not applicable: not a regression"
  end
  if y.constant then return nil end
  local confidence, sd, offset = judge(y)
  if confidence == 0 then return nil end
  local price = (y.var or 0) > 0 and (y.mean_square or (y.mean ^ 2 + y.var)) / y.var or math.huge
  return finding.new(M, {
    title = string.format("targets are not scaled: mean %s, standard deviation %s",
      numfmt.number(y.mean or 0), numfmt.number(sd)),
    severity = facts:grade("err"), confidence = confidence,
    where = facts:where(facts.net.output and facts.net.output.path),
    evidence = {
      finding.evidence("standard deviation of the target", sd, "0.1 .. 10"),
      finding.evidence("|mean| over standard deviation", offset, "under 3"),
      finding.evidence("loss of answering 0 over variance", price, "under 5"),
    },
    fixes = { { text = "standardise the targets with the training rows",
      patch = { target = "standardize" } } },
  })
end

return M
