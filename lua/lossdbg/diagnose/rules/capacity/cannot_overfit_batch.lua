local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "cannot_overfit_batch", cause = "too_few_units", family = "capacity",
  role = "symptom", needs = { "tests.overfit_batch" }, cost = "side_run",

  limits = {
    by_rate = { 0.95, "another rate learns the rows by heart: the rate is at fault" },
  },
  doc = {
    what = "The network cannot even memorise 16 rows: something in the wiring or the step prevents"
      .. " learning, not the amount of data.",
    formula = "skill on 16 rows after at most 500 steps, regularisation off; where it also fails"
      .. " at a tenth and ten times the learning rate the reason is wiring or capacity, else the"
      .. " rate",
    source = "Karpathy's recipe, TheDeepChecker",
    false_alarms = "contradicting rows in the batch; a remark in runs that learn",
  },
}

local function at_other_rates(test)
  local best, rate
  local rates = {}
  for name in pairs(test.at_lr or {}) do rates[#rates + 1] = name end
  table.sort(rates)
  for _, name in ipairs(rates) do
    local skill = test.at_lr[name]
    if skill == skill and (not best or skill > best) then best, rate = skill, name end
  end
  return best, rate
end

function M.check(case, limits)
  local facts, test = case.facts, case.signals.tests.overfit_batch
  if test.passed ~= false then return nil end
  local best, rate = at_other_rates(test)
  local by_rate = best and best >= limits.by_rate
  local cause = "too_few_units"
  if by_rate then cause = (tonumber(rate) or 1) < 1 and "lr_too_high" or "lr_too_low" end
  local lr = facts:optimizer().lr
  local fixes = {}
  if by_rate and type(lr) == "number" and tonumber(rate) then
    local new = lr * tonumber(rate)
    fixes[1] = { text = string.format("set the learning rate to %s", numfmt.number(new)),
      patch = { optimizer = { lr = new } } }
  end
  return finding.new(M, {
    title = string.format("16 rows cannot be memorised: skill %s after %d steps%s",
      numfmt.number(test.skill or 0), test.steps or 0, by_rate and string.format(
        ", but %s at %s times the learning rate", numfmt.number(best), rate) or ""),
    cause = cause,
    -- Sixteen rows may be harder by heart than all of them are to understand.
    class = facts.learned and not by_rate and "suggestive" or "measured",
    evidence = { finding.evidence("skill on one batch", test.skill or 0,
      finding.over(limits.by_rate)),
      finding.evidence("best skill at other learning rates", best or "unknown",
        finding.over(limits.by_rate)) },
    fixes = fixes,
  })
end

return M
