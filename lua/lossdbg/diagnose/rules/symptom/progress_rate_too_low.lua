local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "progress_rate_too_low", cause = "too_few_epochs", family = "symptom", severity = "err",
  needs = { "trend", "skill|baseline" }, cost = "free", least = { steps = 50 },
  explains = { "loss_at_baseline", "underfitting", "epochs_insufficient", "plateau_fingerprint",
    "cannot_overfit_batch", "single_class_prediction", "output_constant" },
  doc = {
    what = "The loss falls, but so slowly that at this rate the budget would have to be many times"
      .. " larger: the learning rate is too low or training too short.",
    formula = "half-life of the loss over its fall so far: ln 2 / ln(first / last) budgets",
    threshold = "decreasing, skill < 0.1 at the end, half-life over 3 budgets",
    source = "own; UMLAUT judges the learning rate alone",
    false_alarms = "the start of a long run: needs a decided trend, and dead or saturated layers"
      .. " explain it",
  },
}

function M.check(case)
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
  if budgets <= 3 then return nil end
  local lr, epochs = facts:optimizer().lr, case.description.epochs or facts.epochs
  local fixes = {}
  if type(lr) == "number" and lr > 0 then
    fixes[1] = { text = string.format("raise the learning rate to %s", numfmt.number(10 * lr)),
      patch = { optimizer = { lr = 10 * lr } } }
  end
  fixes[#fixes + 1] = { text = string.format("train for %d epochs", 10 * epochs),
    patch = { epochs = 10 * epochs } }
  return finding.new(M, {
    title = string.format("the loss falls too slowly: %s to %s in %s epochs, halving takes %.1f"
      .. " times"
      .. " as many", numfmt.number(first), numfmt.number(last), numfmt.number(epochs), budgets),
    cause = facts.dead > 0.5 and "too_few_epochs" or "lr_too_low",
    confidence = 0.75,
    evidence = { finding.evidence("half-life in budgets", budgets, "under 1"),
      finding.evidence("skill at the end", facts.skill or 0, "over 0.5") },
    fixes = fixes,
  })
end

return M
