local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "unused_output_class", cause = "wrong_output_units", family = "data", severity = "warn",
  needs = { "data.y.classes", "description.layers" }, cost = "free", least = { n = 20 },
  explains = {},
  doc = {
    what = "The output has more units than there are classes in the training labels: the head is"
      .. " too wide, or the labels are shifted.",
    formula = "K_out - classes seen in training",
    threshold = "1: info; at least a fifth of the units and two of them: warn where the run fails",
    source = "TheDeepChecker (number of outputs)",
    false_alarms = "rare classes missing from a small split; therefore never an error",
  },
}

local CLASS_LOSS = { sparse_crossentropy = true, categorical_crossentropy = true,
  sparse_categorical_crossentropy = true }

function M.check(case)
  local facts, y = case.facts, case.signals.data.y
  local units = facts:units()
  if not CLASS_LOSS[facts:loss().name or ""] or not units then
    return nil, "not applicable: no class output"
  end
  local spare = units - y.classes
  if spare <= 0 then return nil end
  local severe = spare >= 2 and spare >= 0.2 * units
  return finding.new(M, {
    title = string.format("%d output units for %d classes in the labels", units, y.classes),
    severity = severe and facts:grade("warn") or "info", confidence = severe and 0.6 or 0.3,
    where = facts:where(facts.net.output.path),
    evidence = { finding.evidence("output units", units, tostring(y.classes)),
      finding.evidence("smallest and largest label", string.format("%s .. %s", tostring(y.min),
        tostring(y.max))) },
    fixes = { { text = string.format("use %d output units", y.classes),
      patch = { output = { units = y.classes } } } },
  })
end

return M
