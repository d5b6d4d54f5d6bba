local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"
local structure = require "lossdbg.diagnose.structure"

local M = {
  id = "target_range_unreachable", cause = "output_range_mismatch", family = "configuration",
  severity = "err", needs = { "data.y.min", "description.layers", "description.loss" },
  cost = "free", least = { n = 2 },
  explains = effects.union(effects.POOR, effects.STALL, { "dead_relu", "saturated_output",
    "loss_not_decreasing", "target_not_normalized", "saturated_activation" }),
  doc = {
    what = "The last activation cannot produce the targets: sigmoid for targets to 100, relu for"
      .. " negative ones.",
    formula = "part of the targets' range outside the closed range of the last activation",
    threshold = "more than 5 % of the range of the targets; an error only where training failed",
    source = "DeepDiagnosis (any target), TheDeepChecker (output never negative)",
    false_alarms = "single outliers; a warning when it learns, since the excess is lost for good",
  },
}

local CLASSES = { sparse_crossentropy = true, categorical_crossentropy = true, hinge = true,
  binary_crossentropy = true, kl = true, squared_hinge = true }

function M.check(case)
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
  if share <= 0.05 then return nil end
  return finding.new(M, {
    title = string.format("%s answers %s to %s, the targets reach from %s to %s",
      net.output_activation, numfmt.number(lo), numfmt.number(hi), numfmt.number(y.min),
      numfmt.number(y.max)),
    severity = facts:grade("err", "warn"), confidence = share > 0.3 and 0.95 or 0.75,
    where = facts:where(net.output.path),
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
