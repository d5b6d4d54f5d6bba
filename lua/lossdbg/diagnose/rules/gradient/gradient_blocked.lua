local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "gradient_blocked", family = "gradient", class = "exact",
  needs = { "tests.gradient_path" }, cost = "backward",
  doc = {
    what = "The slope of a layer that the user wrote is zero everywhere (sign, round, argmax,"
      .. " comparisons), missing (detach), or not finite where its values are (sqrt, norm, division"
      .. " or log at 0): no gradient reaches what stands before it.",
    formula = "the gradient at its input, for rows as they come and a random gradient from behind",
    source = "public question threads; pytorch #160016",
    false_alarms = "none: every entry is exactly zero, or one is not finite",
  },
}

local words = {
  zero = "its slope is zero everywhere",
  detached = "it cuts its result off from its input",
  infinite = "its slope is not finite where its values are",
}

local fixes = {
  zero = "use a smooth stand-in (sigmoid for a step, softmax for argmax) in training",
  detached = "compute with tensors that keep their history",
  infinite = "guard the operand: add a small number under the root, the division or the logarithm",
}

function M.check(case)
  local path = case.signals.tests.gradient_path
  if not words[path.what] then return nil end
  local where = case.facts:where(path.layer) or {}
  where.source = path.line or where.source
  return finding.new(M, {
    title = ("%s stops the gradient: %s%s"):format(path.layer, words[path.what],
      path.op and " (" .. path.op .. (path.line and ", " .. path.line or "") .. ")" or ""),
    cause = path.what == "infinite" and "exploding_gradient" or "vanishing_gradient",
    where = where, evidence = { finding.evidence("operation", path.op or "unknown") },
    fixes = { { text = fixes[path.what] } },
  })
end

return M
