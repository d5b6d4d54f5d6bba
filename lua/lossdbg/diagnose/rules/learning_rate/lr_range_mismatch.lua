local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "lr_range_mismatch", cause = "lr_too_high", family = "learning_rate", severity = "err",
  needs = { "tests.lr_range", "description.optimizer" }, cost = "side_run",
  explains = effects.union(effects.DIVERGE, effects.POOR, effects.STALL, { "dead_relu",
    "loss_not_decreasing", "update_ratio_too_large", "step_overshoot",
    "lr_outside_typical_range", "progress_rate_too_low", "epochs_insufficient" }),
  doc = {
    what = "The learning rate is more than ten times away from what a range test suggests.",
    formula = "log10(lr / suggestion), suggestion = middle of the longest falling stretch of an"
      .. " exponential sweep, median of its repetitions",
    threshold = "|log10| > 1; refused when the sweep falls by less than 3 noise standard"
      .. " deviations",
    source = "fastai (valley), pytorch-lr-finder; its users' complaints about noisy sweeps",
    false_alarms = "sound runs live on either side of the suggestion: a remark when they learn",
  },
}

function M.check(case)
  local facts, sweep, lr = case.facts, case.signals.tests.lr_range, case.facts:optimizer().lr
  if type(lr) ~= "number" or lr <= 0 then return nil, "cannot tell: no learning rate" end
  local suggestion = sweep.suggestion
  if not suggestion or (sweep.fall_sd and sweep.fall_sd < 3) then
    return nil, "cannot tell: the range test does not fall clearly"
  end
  local decades = math.log(lr / suggestion, 10)
  if math.abs(decades) <= 1 then return nil end
  local high = decades > 0
  return finding.new(M, {
    cause = high and "lr_too_high" or "lr_too_low",
    title = string.format("the learning rate %s is %s times %s than the range test suggests (%s)",
      numfmt.number(lr), numfmt.number(10 ^ math.abs(decades)), high and "larger" or "smaller",
      numfmt.number(suggestion)),
    severity = facts:grade("err"),
    confidence = facts_of.strength(10 ^ math.abs(decades), 10, 1000),
    evidence = { finding.evidence("learning rate", lr, numfmt.number(suggestion / 10) .. " .. "
      .. numfmt.number(suggestion * 10)), finding.evidence("suggested", suggestion) },
    fixes = { { text = string.format("set the learning rate to %s", numfmt.number(suggestion)),
      patch = { optimizer = { lr = suggestion } } } },
  })
end

return M
