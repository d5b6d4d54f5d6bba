local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "nonfinite_tensor", cause = nil, family = "numerics", class = "exact",
  role = "symptom", needs = { "layers|init.layers|nonfinite" }, cost = "free",

  doc = {
    what = "Activations, gradients or weights of a layer are NaN or infinite.",
    formula = "first step at which a layer's sums are not finite; layers whose fresh activations"
      .. " are"
      .. " not finite",
    source = "TensorFlow's check_numerics, SageMaker's ExplodingTensor",
    false_alarms = "none",
  },
}

local function earliest(case)
  local step, path
  for _, layer in ipairs(case.facts.net.layers) do
    local stat = (case.signals.layers or {})[layer.path]
    local at = stat and stat.first_nonfinite_step
    if at and (not step or at < step) then step, path = at, layer.path end
  end
  if step then return step, path, "gradients or weights" end
  for _, layer, stat in case.facts:measured("init") do
    local bad = stat.nonfinite
    if bad and bad ~= 0 then return 0, layer.path, "activations" end
  end
  local where = case.signals.nonfinite
  if where and where.what ~= "loss" and where.layer then
    return where.step, where.layer, where.what .. "s"
  end
  return nil
end

function M.check(case)
  local facts = case.facts
  local step, path, what = earliest(case)
  if not path then return nil end
  return finding.new(M, {
    title = string.format("%s of %s are not finite%s", what, path,
      step and step > 0 and string.format(" from step %d", step) or ""),
    where = facts:where(path, step),
    evidence = { finding.evidence("first step", step or "unknown") },
    fixes = {},
  })
end

return M
