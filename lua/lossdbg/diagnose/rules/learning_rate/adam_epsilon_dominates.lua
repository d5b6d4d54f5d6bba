local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "adam_epsilon_dominates", cause = "adam_epsilon_too_small", family = "learning_rate",
  class = "measured",
  needs = { "description.optimizer" }, cost = "free",

  limits = {
    large = { 1e-2, "from here the step of usual gradients is lr / epsilon, plain descent" },
    small = { 1e-12, "less than the square of rounding: it stabilises nothing" },
  },
  doc = {
    what = "The stabiliser epsilon of an adaptive optimiser governs the step: too large and the"
      .. " method degenerates to plain descent with lr / epsilon, too small and it divides by"
      .. " nothing.",
    formula = "epsilon against the size of usual gradients and that of rounding",
    source = "TheDeepChecker's mutants, Tuning Playbook (epsilon is worth tuning)",
    false_alarms = "epsilon up to 1 is advised for some vision networks: a remark when they learn",
  },
}

local ADAPTIVE = { adam = true, adamw = true, rmsprop = true, adamax = true, nadam = true,
  adagrad = true, adadelta = true }

function M.check(case, limits)
  local optimizer = case.facts:optimizer()
  if not ADAPTIVE[optimizer.name or ""] then return nil, "not applicable: no adaptive optimiser" end
  local epsilon = optimizer.epsilon
  if type(epsilon) ~= "number" then return nil, "cannot tell: epsilon is not known" end
  local small = epsilon < limits.small
  if not small and epsilon < limits.large then return nil end
  return finding.new(M, {
    title = small and string.format("epsilon %s of %s stabilises nothing", numfmt.number(epsilon),
      optimizer.name) or string.format("epsilon %s of %s governs the step",
      numfmt.number(epsilon), optimizer.name),

    strength = small and limits.small / math.max(epsilon, 1e-300) or epsilon / limits.large,
    evidence = { finding.evidence("epsilon", epsilon, finding.between(limits.small,
      limits.large)) },
    fixes = { { text = "set epsilon to 1e-7", patch = { optimizer = { epsilon = 1e-7 } } } },
  })
end

return M
