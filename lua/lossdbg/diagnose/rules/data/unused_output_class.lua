local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "unused_output_class", cause = "wrong_label_encoding", family = "data", class = "suggestive",
  needs = { "data.y.classes", "description.layers" }, cost = "free", least = { n = 20 },

  limits = {
    spare = { 2, "one spare unit is usual for a class that may come" },
    share = { 0.2, "a fifth of the units have no class" },
  },
  doc = {
    what = "The output has more units than there are classes in the training labels: the head is"
      .. " too wide, or the labels are shifted.",
    formula = "K_out - classes seen in training",
    source = "TheDeepChecker (number of outputs)",
    false_alarms = "rare classes missing from a small split",
  },
}

local CLASS_LOSS = { sparse_crossentropy = true, categorical_crossentropy = true,
  sparse_categorical_crossentropy = true }

function M.check(case, limits)
  local facts, y = case.facts, case.signals.data.y
  local units = facts:units()
  if not CLASS_LOSS[facts:loss().name or ""] or not units then
    return nil, "not applicable: no class output"
  end
  local spare = units - y.classes
  local severe = spare >= limits.spare and spare >= limits.share * units
  if not severe then return nil end
  return finding.new(M, {
    title = string.format("%d output units for %d classes in the labels", units, y.classes),

    where = facts:where(facts.net.output.path),
    evidence = { finding.evidence("output units", units, tostring(y.classes)),
      finding.evidence("smallest and largest label", string.format("%s .. %s", tostring(y.min),
        tostring(y.max))) },
    fixes = { { text = string.format("use %d output units", y.classes),
      patch = { output = { units = y.classes } } } },
  })
end

return M
