local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "first_nonfinite_op", cause = nil, family = "numerics", class = "exact",
  needs = { "nonfinite|loss" }, cost = "forward",

  doc = {
    what = "The first operation that turned finite operands into NaN or infinity, with its layer,"
      .. " the Lua line that built it and the batch rows.",
    formula = "the graph's record: operands finite, result not; log, sqrt, division and pow of a"
      .. " guarded quantity are a cause of their own (log of zero), overflow elsewhere is a"
      .. " consequence of the step",
    source = "TensorFlow's check_numerics; asked for in pytorch #160016",
    false_alarms = "masked branches: only values that reach the loss are recorded",
  },
}

local FRAGILE = { log = true, sqrt = true, div = true, pow = true, reciprocal = true, log1p = true,
  exp = true }

function M.check(case)
  local facts, at = case.facts, case.signals.nonfinite
  if not at and not facts.nonfinite then return nil end
  if not (at and at.op) then return nil, "cannot tell: the operation was not recorded" end
  local fragile = FRAGILE[at.op] == true
  local line = at.line and " (" .. at.line .. ")" or ""
  local where = facts:where(at.layer, at.step) or {}
  where.source = at.line or where.source
  local evidence = { finding.evidence("operation", at.op), finding.evidence("step",
    at.step or "unknown") }
  if at.rows and #at.rows > 0 then
    evidence[3] = finding.evidence("rows of the batch", table.concat(at.rows, ", ", 1,
      math.min(#at.rows, 8)))
  end
  local f = finding.new(M, {
    title = string.format("%s makes the first NaN or infinity%s%s", at.op,
      at.layer and " in " .. at.layer or "", line),
    cause = fragile and "log_of_zero" or nil,
    where = where, evidence = evidence,
    fixes = fragile and { { text = string.format("guard the operand of %s: clip it away from zero,"
      .. " or use a loss on logits", at.op) } } or {},
  })
  if not fragile then f.role = "symptom" end
  return f
end

return M
