local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "wrong_output_units", cause = "wrong_output_units", family = "configuration",
  class = "exact",
  needs = { "data.y", "description.layers", "description.loss" },
  cost = "free",
  doc = {
    what = "The number of output units does not fit the number of classes or targets.",
    formula = "sparse cross-entropy: K_out >= largest label + 1; one unit with a binary loss: two"
      .. " classes; otherwise width of the output = width of the target",
    source = "NeuraLint, TheDeepChecker",
    false_alarms = "sequence and image outputs are compared by all their values",
  },
}

local SPARSE = { sparse_crossentropy = true, sparse_categorical_crossentropy = true }

-- Values of one sample's output: an image has more of them than its last axis is long, and the
-- audit counts the targets' values.
local function values(case, units)
  local shape, n = case.description.output_shape, 1
  if type(shape) ~= "table" or #shape < 2 or shape[#shape] ~= units then return units end
  for _, size in ipairs(shape) do n = n * size end
  return n
end

---Units wanted, or nil when the width fits.
local function wanted(case, units)
  local y, name = case.signals.data.y, case.facts:loss().name or ""
  if SPARSE[name] then
    if y.integral == false or (y.min and y.min < 0) then return nil end
    local need = (y.max or 0) + 1
    local one_based = y.min == 1 and y.max == units
    if units < need and not one_based and y.kind ~= "real" then return need end
    return nil
  end
  local many = y.kind == "index" and (y.classes or 0) > 2
  if name == "binary_crossentropy" and units == 1 and many then return y.classes end
  -- A function of the user's own may well be a cross-entropy of ids.
  local of_ids = name:find "crossentropy" or name == "custom" and units >= (y.classes or units)
  local ids = y.kind == "index" and y.width == 1 and units > 1 and of_ids
  if y.width and y.width ~= values(case, units) and not ids then return y.width end
  return nil
end

function M.check(case)
  local facts = case.facts
  local units = facts:units()
  if not units then return nil, "cannot tell: the width of the output is not known" end
  local need = wanted(case, units)
  if not need then return nil end
  return finding.new(M, {
    title = string.format("the output has %d unit%s, the targets need %d", units,
      units == 1 and "" or "s", need),
    where = facts:where(facts.net.output.path),
    evidence = { finding.evidence("output units", units, tostring(need)),
      finding.evidence("classes in the labels", case.signals.data.y.classes or "unknown") },
    fixes = { { text = string.format("use %d output units", need),
      patch = { output = { units = need } } } },
  })
end

return M
