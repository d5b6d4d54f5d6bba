local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "loss_negative", cause = "wrong_loss", family = "symptom", class = "exact",
  role = "symptom", needs = { "loss|epoch_loss", "description.loss" }, cost = "free",

  limits = {
    rounding = { 1e-6, "relative to the largest loss" },
  },
  doc = {
    what = "A loss that cannot be negative is: targets outside the range of the loss, or a flipped"
      .. " sign.",
    formula = "min loss under zero, beyond rounding, for a loss that is >= 0 by definition",
    source = "AutoTrainer",
    false_alarms = "poisson and own losses may be negative: not judged",
  },
}

local POSITIVE = { mse = true, mae = true, huber = true, log_cosh = true, hinge = true,
  squared_hinge = true, binary_crossentropy = true, categorical_crossentropy = true,
  sparse_crossentropy = true, kl = true }

local function lowest(list)
  local lo, size = 0, 0
  for _, v in ipairs(list or {}) do
    if v == v then
      lo = math.min(lo, v)
      if v < math.huge then size = math.max(size, math.abs(v)) end
    end
  end
  return lo, size
end

function M.check(case, limits)
  local facts = case.facts
  local name = facts:loss().name or ""
  if not POSITIVE[name] then return nil, "not applicable: the loss may be negative" end
  local lo, size = lowest(case.signals.loss)
  local lo_e, size_e = lowest(case.signals.epoch_loss)
  lo, size = math.min(lo, lo_e), math.max(size, size_e)
  if lo >= -limits.rounding * math.max(size, 1e-300) then return nil end
  return finding.new(M, {
    title = string.format("%s is never negative, but the loss reaches %s", name,
      numfmt.number(lo)),
    evidence = { finding.evidence("lowest loss", lo, "at least 0") },
    fixes = { { text = "check the coding of the targets and the sign of the loss" } },
  })
end

return M
