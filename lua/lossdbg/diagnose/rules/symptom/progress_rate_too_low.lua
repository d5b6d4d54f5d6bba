local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "progress_rate_too_low", cause = "too_few_epochs", family = "symptom", class = "measured",
  needs = { "trend", "skill|baseline" }, cost = "free", least = { steps = 50 },

  limits = {
    budgets = { 3, "halving the loss takes three more trainings of this length" },
    dead = { 0.5, "with dead units the rate is not what holds it" },
  },
  doc = {
    what = "The loss falls, but so slowly that at this rate the budget would have to be many times"
      .. " larger: the learning rate is too low or training too short.",
    formula = "half-life of the loss over its fall so far: ln 2 / ln(first / last) budgets, in a"
      .. " run that falls and is still at its baseline",
    source = "own; UMLAUT judges the learning rate alone",
    false_alarms = "the start of a long run: needs a decided trend, and dead or saturated layers"
      .. " explain it",
  },
}

function M.check(case, limits)
  local facts, trend = case.facts, case.signals.trend
  if facts.state ~= "too_slow" then
    if facts.state == "cannot_tell" and facts.trend == "decreasing" then
      return nil, "cannot tell: falling, too short to judge the rate"
    end
    return nil
  end
  local first, last = trend.first, trend.last
  if not (first and last and first > last and last > 0) then return nil end
  local budgets = math.log(2) / math.log(first / last)
  if budgets <= limits.budgets then return nil end
  local lr, epochs = facts:optimizer().lr, case.description.epochs or facts.epochs
  local fixes = {}
  if type(lr) == "number" and lr > 0 then
    fixes[1] = { text = string.format("raise the learning rate to %s", numfmt.number(10 * lr)),
      patch = { optimizer = { lr = 10 * lr } } }
  end
  local known = epochs and epochs > 0 -- which a loop of somebody's own does not tell
  fixes[#fixes + 1] = known and { text = string.format("train for %d epochs", 10 * epochs),
    patch = { epochs = 10 * epochs } } or { text = "train for ten times as many steps" }
  return finding.new(M, {
    title = string.format("the loss falls too slowly: %s to %s in %s %s, halving takes %.1f times"
      .. " as many", numfmt.number(first), numfmt.number(last),
      numfmt.number(known and epochs or facts.steps), known and "epochs" or "steps", budgets),
    cause = facts.dead > limits.dead and "too_few_epochs" or "lr_too_low",

    evidence = { finding.evidence("half-life in budgets", budgets,
      finding.under(limits.budgets)),
      finding.evidence("skill at the end", facts.skill or 0) },
    fixes = fixes,
  })
end

return M
