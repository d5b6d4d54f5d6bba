local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "integer_targets", cause = "wrong_loss", family = "data", class = "suggestive",
  needs = { "data.y.integral", "description.loss", "data.n" }, cost = "free",
  limits = {
    classes = { 12, "more of them are counts or measurements" },
    rows = { 10, "rows for each of them" },
  },
  doc = {
    what = "A few whole numbers from 0 on as real targets: if they number classes, squared error"
      .. " says that class 2 lies between 1 and 3.",
    formula = "whole targets from 0 to at most 12 with ten rows for each, one output, and a loss of"
      .. " distances",
    source = "public question threads",
    false_alarms = "grades and small counts are right so: a suggestion only",
  },
}

local DISTANCE = { mse = true, mae = true, huber = true, log_cosh = true, smooth_l1 = true }

function M.check(case, limits)
  local y, facts = case.signals.data.y, case.facts
  if not DISTANCE[facts:loss().name or ""] or facts.task ~= "regression" or y.width ~= 1 then
    return nil, "not applicable: no single real target"
  end
  if not y.integral or y.min ~= 0 or y.max < 2 or y.max > limits.classes
    or case.signals.data.n < limits.rows * (y.max + 1) then
    return nil
  end
  return finding.new(M, {
    title = ("whole numbers 0 to %s as real targets: are they classes?"):format(
      numfmt.number(y.max)),
    evidence = { finding.evidence("largest target", y.max, finding.over(limits.classes)) },
    fixes = { { text = ("if they are classes: %s output units, softmax and sparse_crossentropy")
      :format(numfmt.number(y.max + 1)) } },
  })
end

return M
