local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "gradient_check_failed", cause = nil, family = "gradient", severity = "crit",
  needs = { "tests.gradcheck" }, cost = "side_run",
  explains = { "loss_at_baseline", "loss_not_decreasing", "loss_diverging", "vanishing_gradient",
    "exploding_gradient", "cannot_overfit_batch", "underfitting", "zero_gradient_layer",
    "loss_oscillating", "plateau_fingerprint" },
  doc = {
    what = "The gradient that back-propagation computes is not the slope of the loss: an op of your"
      .. " own has a wrong backward.",
    formula = "central differences in f64: |numeric - analytic| / (|numeric| + |analytic|)",
    threshold = "> 1e-5; coordinates whose rectified mask flips are skipped. Critical where the"
      .. " network holds code of the user (lambda, own op or loss), else a warning",
    source = "TheDeepChecker (1e-2 in f32), Karpathy's recipe",
    false_alarms = "kinks, therefore skipped; dropout has to be off",
  },
}

local function has_own_code(case)
  for _, layer in ipairs(case.facts.net.layers) do
    if layer.kind == "lambda" or layer.kind == "custom" then return true end
    if layer.activation == "function" or layer.custom then return true end
  end
  local loss = case.facts:loss()
  return loss.custom or loss.family == "custom" or loss.name == "custom"
    or loss.name == "function"
end

function M.check(case)
  local test = case.signals.tests.gradcheck
  if (test.checked or 1) == 0 then return nil, "cannot tell: every coordinate was skipped" end
  local failed = test.passed == false or (test.passed == nil and (test.max_error or 0) > 1e-5)
  if not failed then return nil end
  local own = has_own_code(case)
  local path = test.worst and test.worst:match("^([^/%[]+)")
  return finding.new(M, {
    title = string.format("the gradient of %s is wrong: off by %s relative to finite differences",
      test.worst or "a parameter", numfmt.number(test.max_error or 0)),
    severity = own and "crit" or "warn", confidence = own and 0.97 or 0.4,
    where = case.facts:where(path),
    evidence = { finding.evidence("largest relative error", test.max_error or 0, "under 1e-5"),
      finding.evidence("coordinates checked", test.checked or 0),
      finding.evidence("coordinates skipped", test.skipped or 0) },
    fixes = { { text = own and "correct the backward of the op that feeds this parameter"
      or "report it: no code of yours takes part in this gradient" } },
  })
end

return M
