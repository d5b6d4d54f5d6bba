local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "unscaled_targets", cause = "unscaled_targets", family = "data",
  needs = { "data.y", "description.loss" }, cost = "free", least = { n = 2 },

  limits = {
    sd_high = { 10, "gradients ten times those of standardised targets" },
    sd_low = { 0.1, "a loss a hundred times smaller than its learning rate was made for" },
    offset = { 3, "the bias has three standard deviations to travel first" },
  },
  doc = {
    what = "Regression targets have a large offset or spread. The first gradients are proportional"
      .. " to it: the output overshoots, units die or the loss explodes, or the bias spends the"
      .. " whole budget on reaching the mean.",
    formula = "sd(y) and |mean(y)| / sd(y); beside them the price of starting from zero E[y^2] /"
      .. " var(y)",
    source = "own; TheDeepChecker applies its input rule to targets",
    false_alarms = "a small step and many epochs reach any target: a run that learns gets a remark",
  },
}

local LOSSES = { mse = true, mae = true, huber = true, log_cosh = true, mean_squared_error = true,
  mean_absolute_error = true }

local function judge(y, limits)
  local sd = y.std or math.sqrt(y.var or 0)
  local offset = sd > 0 and math.abs(y.mean or 0) / sd or math.huge
  local strength = math.max(sd / limits.sd_high, limits.sd_low / math.max(sd, 1e-300),
    offset / limits.offset)
  return strength, sd, offset
end

function M.check(case, limits)
  local y, facts = case.facts.y, case.facts
  if not LOSSES[facts:loss().name or ""] or (facts.task and facts.task ~= "regression") then
    return nil, "not applicable: not a regression"
  end
  if y.constant then return nil end
  local strength, sd, offset = judge(y, limits)
  if strength <= 1 then return nil end
  local price = (y.var or 0) > 0 and (y.mean_square or (y.mean ^ 2 + y.var)) / y.var or math.huge
  return finding.new(M, {
    title = string.format("targets are not scaled: mean %s, standard deviation %s",
      numfmt.number(y.mean or 0), numfmt.number(sd)),

    -- The way to the mean is behind a run that learns; a spread far from 1 is felt to the end.
    class = facts.learned and sd <= limits.sd_high and "suggestive" or "measured",
    strength = strength, where = facts:where(facts.net.output and facts.net.output.path),
    evidence = {
      finding.evidence("standard deviation of the target", sd,
        finding.between(limits.sd_low, limits.sd_high)),
      finding.evidence("|mean| over standard deviation", offset, finding.under(limits.offset)),
      finding.evidence("loss of answering 0 over variance", price),
    },
    fixes = { { text = "standardise the targets with the training rows",
      patch = { target = "standardize" } } },
  })
end

return M
