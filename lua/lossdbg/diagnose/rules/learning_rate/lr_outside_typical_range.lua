local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"

local M = {
  id = "lr_outside_typical_range", cause = "lr_too_high", family = "learning_rate",
  severity = "warn", needs = { "description.optimizer" }, cost = "free",
  explains = effects.union(effects.POOR, effects.DIVERGE, { "dead_relu", "loss_not_decreasing",
    "progress_rate_too_low", "epochs_insufficient", "update_ratio_too_small",
    "update_ratio_too_large", "step_overshoot", "step_undershoot" }),
  doc = {
    what = "The learning rate is far outside what this optimiser is used with.",
    formula = "lr against a range per family of optimisers",
    threshold = "adam-like > 0.03 or < 1e-6; sgd and adagrad > 1 or < 1e-5; adadelta < 0.01."
      .. " A remark, raised to an error only in a failed run whose failure fits the direction"
      .. " (diverged or dead for high, slow or unmoved for low)",
    source = "own ranges; UMLAUT's 0.01 for every optimiser flags plain sgd at 0.1",
    false_alarms = "a number alone proves nothing, therefore the direction must fit",
  },
}

local RANGE = {
  adam = { 1e-6, 0.03 }, adamw = { 1e-6, 0.03 }, rmsprop = { 1e-6, 0.03 },
  nadam = { 1e-6, 0.03 }, adamax = { 1e-6, 0.06 }, sgd = { 1e-5, 1 }, adagrad = { 1e-5, 1 },
  adadelta = { 0.01, 10 },
}

local function fits(facts, high)
  if high then
    return facts.state == "diverging" or facts.state == "nan" or facts.dead > 0.5
      or facts.state == "constant"
  end
  return facts.state == "too_slow" or facts.state == "constant"
end

function M.check(case)
  local facts, optimizer = case.facts, case.facts:optimizer()
  local range, lr = RANGE[optimizer.name or ""], optimizer.lr
  if not range or type(lr) ~= "number" then
    return nil, "not applicable: no usual range for this optimiser"
  end
  if lr == 0 or (lr >= range[1] and lr <= range[2]) then return nil end
  local high = lr > range[2]
  local fitting = facts.failed and fits(facts, high)
  local middle = high and range[2] / 10 or range[1] * 1000
  if optimizer.name == "adadelta" then middle = 1 end
  return finding.new(M, {
    cause = high and "lr_too_high" or "lr_too_low",
    title = string.format("learning rate %s is unusually %s for %s", numfmt.number(lr),
      high and "high" or "low", optimizer.name),
    severity = fitting and "err" or facts:grade("warn"), confidence = fitting and 0.65 or 0.35,
    evidence = { finding.evidence("learning rate", lr, numfmt.number(range[1]) .. " .. "
      .. numfmt.number(range[2])) },
    fixes = { { text = string.format("set the learning rate to %s", numfmt.number(middle)),
      patch = { optimizer = { lr = middle } } } },
  })
end

return M
