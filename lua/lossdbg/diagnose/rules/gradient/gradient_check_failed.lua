local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "gradient_check_failed", cause = nil, family = "gradient",
  needs = { "tests.gradcheck" }, cost = "side_run",

  limits = {
    error = { 1e-5, "central differences in f64 are ten times more exact" },
  },
  doc = {
    what = "The gradient that back-propagation computes is not the slope of the loss: an op of your"
      .. " own has a wrong backward.",
    formula = "central differences in f64: |numeric - analytic| / (|numeric| + |analytic|);"
      .. " coordinates whose rectified mask flips are skipped. Exact where the network holds"
      .. " code of the user (lambda, own op or loss), else a suggestion",
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

function M.check(case, limits)
  local test = case.signals.tests.gradcheck
  if (test.checked or 1) == 0 then return nil, "cannot tell: every coordinate was skipped" end
  local failed = test.passed == false or (test.passed == nil and (test.max_error
    or 0) > limits.error)
  if not failed then return nil end
  local own = has_own_code(case)
  local path = test.worst and test.worst:match("^([^/%[]+)")
  return finding.new(M, {
    title = string.format("the gradient of %s is wrong: off by %s relative to finite differences",
      test.worst or "a parameter", numfmt.number(test.max_error or 0)),
    class = own and "exact" or "suggestive",
    where = case.facts:where(path),
    evidence = { finding.evidence("largest relative error", test.max_error or 0,
        finding.under(limits.error)),
      finding.evidence("coordinates checked", test.checked or 0),
      finding.evidence("coordinates skipped", test.skipped or 0) },
    fixes = { { text = own and "correct the backward of the op that feeds this parameter"
      or "report it: no code of yours takes part in this gradient" } },
  })
end

return M
