local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local structure = require "lossdbg.diagnose.structure"

local M = {
  id = "target_range_unreachable", cause = "output_range_mismatch", family = "configuration",
  class = "measured",
  needs = { "data.y.min", "description.layers", "description.loss" },
  cost = "free", least = { n = 2 },

  limits = {
    share = { 0.05, "one target in twenty of the range may be an outlier" },
  },
  doc = {
    what = "The last activation cannot produce the targets: sigmoid for targets to 100, relu for"
      .. " negative ones.",
    formula = "part of the targets' range outside the closed range of the last activation",
    source = "DeepDiagnosis (any target), TheDeepChecker (output never negative)",
    false_alarms = "single outliers",
  },
}

local CLASSES = { sparse_crossentropy = true, categorical_crossentropy = true, hinge = true,
  binary_crossentropy = true, kl = true, squared_hinge = true }

function M.check(case, limits)
  local facts, y, net = case.facts, case.facts.y, case.facts.net
  local name = facts:loss().name or ""
  if CLASSES[name] or not net.output then return nil, "not applicable: no real-valued answer" end
  if y.kind == "index" and (facts:units() or 1) > 1 then
    return nil, "not applicable: no real-valued answer"
  end
  local lo, hi = structure.range(net.output_activation)
  local range = y.max - y.min
  if lo == -math.huge and hi == math.huge or range <= 0 then return nil end
  local outside = math.max(0, lo - y.min) + math.max(0, y.max - hi)
  local share = math.min(1, outside / range)
  if share <= limits.share then return nil end
  return finding.new(M, {
    title = string.format("%s answers %s to %s, the targets reach from %s to %s",
      net.output_activation, numfmt.number(lo), numfmt.number(hi), numfmt.number(y.min),
      numfmt.number(y.max)),

    where = facts:where(net.output.path), strength = share / limits.share,
    evidence = { finding.evidence("part of the range out of reach", share, "0"),
      finding.evidence("targets", string.format("%s .. %s", numfmt.number(y.min),
        numfmt.number(y.max)), string.format("%s .. %s", numfmt.number(lo), numfmt.number(hi))) },
    fixes = {
      { text = "make the last layer linear", patch = { output = { activation = "linear" } } },
      { text = "make the last layer linear and standardise the targets",
        patch = { { output = { activation = "linear" } }, { target = "standardize" } } },
    },
  })
end

return M
