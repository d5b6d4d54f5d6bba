local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "model_too_simple", cause = "too_few_units", family = "capacity", class = "measured",
  needs = { "reference" }, cost = "side_run",

  limits = {
    gain = { 0.1, "a tenth of the baseline: more than luck of one seed" },
  },
  doc = {
    what = "A plain recipe on the same rows does clearly better: the network cannot represent"
      .. " what is there.",
    formula = "skill of the recipe minus that of the network, on validation rows where there are"
      .. " some",
    source = "deepchecks (simple model comparison)",
    false_alarms = "a network that is still falling: needs a settled trend",
  },
}

function M.check(case, limits)
  local facts, plain = case.facts, case.signals.reference
  local own = facts.val_skill or facts.skill
  if not plain.level or not own then return nil, "cannot tell: skills were not measured" end
  local gain = plain.level - own
  if gain <= limits.gain or facts.trend == "decreasing" then return nil end
  return finding.new(M, {
    title = string.format("%s does better than the network: skill %s against %s",
      plain.name or "a simple learner", numfmt.number(plain.level), numfmt.number(own)),

    evidence = { finding.evidence("skill of " .. (plain.name or "the simple learner"),
      plain.level, "at most " .. numfmt.number(own)) },
    fixes = { { text = "use 64 units in the hidden layers", patch = { layers = { kind = "dense",
      hidden = true, options = { units = 64, activation = "relu" } } } } },
  })
end

return M
