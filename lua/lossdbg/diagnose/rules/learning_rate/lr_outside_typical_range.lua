local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "lr_outside_typical_range", cause = "lr_too_high", family = "learning_rate",
  needs = { "description.optimizer" }, cost = "free",

  limits = {
    adam_high = { 0.03, "adam, adamw, rmsprop, nadam: thirty times the usual rate" },
    adam_low = { 1e-6, "adam-like: a weight of 0.1 needs 100 000 steps to move by its size" },
    adamax_high = { 0.06, "adamax is usually run at twice the rate of adam" },
    sgd_high = { 1, "sgd and adagrad: above it standardised data leave the stable range" },
    sgd_low = { 1e-5, "sgd and adagrad: with gradients of size 1 nothing moves in a run" },
    adadelta_high = { 10, "adadelta scales its own step; 1 is meant" },
    adadelta_low = { 0.01, "adadelta scales its own step; 1 is meant" },
    dead = { 0.5, "dead units are what a rate that is too high leaves" },
  },
  doc = {
    what = "The learning rate is far outside what this optimiser is used with.",
    formula = "lr against a range per family of optimisers",
    source = "own ranges; UMLAUT's 0.01 for every optimiser flags plain sgd at 0.1",
    false_alarms = "a number alone proves nothing, therefore the direction must fit",
  },
}

-- Names of the limits, low and high.
local RANGE = {
  adam = { "adam_low", "adam_high" }, adamw = { "adam_low", "adam_high" },
  rmsprop = { "adam_low", "adam_high" }, nadam = { "adam_low", "adam_high" },
  adamax = { "adam_low", "adamax_high" }, sgd = { "sgd_low", "sgd_high" },
  adagrad = { "sgd_low", "sgd_high" }, adadelta = { "adadelta_low", "adadelta_high" },
}

local function fits(facts, high, limits)
  if high then
    return facts.state == "diverging" or facts.state == "nan" or facts.dead > limits.dead
      or facts.state == "constant"
  end
  return facts.state == "too_slow" or facts.state == "constant"
end

function M.check(case, limits)
  local facts, optimizer = case.facts, case.facts:optimizer()
  local names, lr = RANGE[optimizer.name or ""], optimizer.lr
  if not names or type(lr) ~= "number" then
    return nil, "not applicable: no usual range for this optimiser"
  end
  local least, most = limits[names[1]], limits[names[2]]
  if lr == 0 or (lr >= least and lr <= most) then return nil end
  local high = lr > most
  local fitting = facts.failed and fits(facts, high, limits)
  local middle = high and most / 10 or least * 1000
  if optimizer.name == "adadelta" then middle = 1 end
  return finding.new(M, {
    cause = high and "lr_too_high" or "lr_too_low",
    title = string.format("learning rate %s is unusually %s for %s", numfmt.number(lr),
      high and "high" or "low", optimizer.name),
    class = fitting and "measured" or "suggestive",
    evidence = { finding.evidence("learning rate", lr, finding.between(least, most)) },
    fixes = { { text = string.format("set the learning rate to %s", numfmt.number(middle)),
      patch = { optimizer = { lr = middle } } } },
  })
end

return M
