local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "model_too_simple", cause = "too_few_units", family = "capacity", severity = "err",
  needs = { "tests.quick" }, cost = "side_run",
  explains = { "underfitting", "cannot_overfit_batch", "loss_not_decreasing" },
  doc = {
    what = "A simple learner (nearest neighbours, a shallow tree) on the same rows does clearly"
      .. " better: the network cannot represent what is there.",
    formula = "skill of the quick learner minus that of the network, over its standard error",
    threshold = "> 3 standard errors and > 0.1; an error where training failed or settled half way",
    source = "deepchecks (simple model comparison)",
    false_alarms = "a network that is still falling: needs a settled trend",
  },
}

function M.check(case)
  local facts, quick = case.facts, case.signals.tests.quick
  local own = facts.val_skill or facts.skill
  if not quick.skill or not own then return nil, "cannot tell: skills were not measured" end
  local gain = quick.skill - own
  if gain <= 0.1 or gain <= 3 * (quick.se or 0) or facts.trend == "decreasing" then return nil end
  return finding.new(M, {
    title = string.format("%s does better than the network: skill %s against %s",
      quick.name or "a simple learner", numfmt.number(quick.skill), numfmt.number(own)),
    severity = facts.learned and (own >= 0.5 and "info" or "warn") or "err", confidence = 0.65,
    evidence = { finding.evidence("skill of " .. (quick.name or "the simple learner"),
      quick.skill, "at most " .. numfmt.number(own)) },
    fixes = { { text = "use 64 units in the hidden layers", patch = { layers = { kind = "dense",
      hidden = true, options = { units = 64, activation = "relu" } } } } },
  })
end

return M
