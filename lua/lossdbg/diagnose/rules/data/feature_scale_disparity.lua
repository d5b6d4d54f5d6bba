local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "feature_scale_disparity", cause = "unnormalised_inputs", family = "data",
  class = "measured",
  needs = { "data.x" }, cost = "free", least = { n = 2 },

  limits = {
    to_median = { 30,
      "the steepest axis allows a thirtieth of the step that the middle one wants" },
    to_least = { 1e4, "four orders of magnitude between the flattest and the steepest axis" },
    uneven = { 5, "where the middle is near the top a tiny column is a rare pixel, not a scale" },
    varies = { 1e-6, "a smaller spread, relative to the mean, is a constant column" },
  },
  doc = {
    what = "Features differ in spread by orders of magnitude: the loss is a narrow valley whose"
      .. " steep axis limits the step and whose flat axis never moves.",
    formula = "max sd_j / median sd_j and max sd_j / min sd_j over the features that vary",
    source = "TheDeepChecker judges each feature; the median guards against sparse pixels,"
      .. " whose rarest column has a tiny spread in healthy data",
    false_alarms = "sparse one-hot columns beside dense ones; therefore a remark in runs that"
      .. " learn",
  },
}

local function spread(x, varies)
  local std = x.feature and x.feature.std
  local mean = x.feature and x.feature.mean
  if not std then return nil, x.disparity end
  local varying = {}
  for j = 1, #std do
    local m = mean and mean[j] or 0
    if facts_of.finite(std[j]) and std[j] > varies * math.abs(m) and std[j] > 0 then
      varying[#varying + 1] = std[j]
    end
  end
  table.sort(varying)
  local n = #varying
  if n < 2 then return 1, 1 end
  return varying[n] / facts_of.median(varying), varying[n] / varying[1]
end

function M.check(case, limits)
  local x, facts = case.signals.data.x, case.facts
  local scaling = facts.net.input_scaling
  if scaling == "normalised" or scaling == "embedded" then return nil end
  if scaling == "unknown" then
    return nil, "cannot tell: a lambda layer stands before the first weights"
  end
  local to_median, to_min = spread(x, limits.varies)
  local measure
  if to_median then
    if to_median > limits.to_median then measure = to_median / limits.to_median end
    if not measure and to_min > limits.to_least and to_median > limits.uneven then
      measure = to_min / limits.to_least
    end
  elseif to_min and to_min > limits.to_least then
    measure = to_min / limits.to_least
  end
  if not measure then return nil end
  return finding.new(M, {
    title = string.format("features differ in spread by a factor of %s",
      numfmt.number(to_min or to_median)),

    strength = measure, where = facts:where(facts.net.maps[1] and facts.net.maps[1].path),
    evidence = {
      finding.evidence("largest over smallest standard deviation", to_min or 0,
        finding.under(limits.to_least)),
      finding.evidence("largest over median standard deviation", to_median or "unknown",
        finding.under(limits.to_median)),
    },
    fixes = { { text = "standardise every feature on its own",
      patch = { insert = { at = 1, layer = { kind = "normalization", adapt = true } } } } },
  })
end

return M
