local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "lr_range_mismatch", cause = "lr_too_high", family = "learning_rate", class = "measured",
  needs = { "tests.lr_range", "description.optimizer" }, cost = "side_run",

  limits = {
    decades = { 1, "a factor of ten: sound runs live within it on either side" },
    fall_sd = { 3, "a sweep that falls by less than three of its noise says nothing" },
  },
  doc = {
    what = "The learning rate is more than ten times away from what a range test suggests.",
    formula = "log10(lr / suggestion), suggestion = middle of the longest falling stretch of an"
      .. " exponential sweep, median of its repetitions",
    source = "fastai (valley), pytorch-lr-finder; its users' complaints about noisy sweeps",
    false_alarms = "sound runs live on either side of the suggestion: a remark when they learn",
  },
}

function M.check(case, limits)
  local sweep, lr = case.signals.tests.lr_range, case.facts:optimizer().lr
  if type(lr) ~= "number" or lr <= 0 then return nil, "cannot tell: no learning rate" end
  local suggestion = sweep.suggestion
  if not suggestion or (sweep.fall_sd and sweep.fall_sd < limits.fall_sd) then
    return nil, "cannot tell: the range test does not fall clearly"
  end
  local decades = math.log(lr / suggestion, 10)
  if math.abs(decades) <= limits.decades then return nil end
  local high = decades > 0
  return finding.new(M, {
    cause = high and "lr_too_high" or "lr_too_low",
    title = string.format("the learning rate %s is %s times %s than the range test suggests (%s)",
      numfmt.number(lr), numfmt.number(10 ^ math.abs(decades)), high and "larger" or "smaller",
      numfmt.number(suggestion)),

    evidence = { finding.evidence("learning rate", lr,
      finding.between(suggestion / 10 ^ limits.decades, suggestion * 10 ^ limits.decades)),
        finding.evidence("suggested", suggestion) },
    fixes = { { text = string.format("set the learning rate to %s", numfmt.number(suggestion)),
      patch = { optimizer = { lr = suggestion } } } },
  })
end

return M
