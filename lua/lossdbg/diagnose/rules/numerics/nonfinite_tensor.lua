local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "nonfinite_tensor", cause = nil, family = "numerics", class = "exact",
  role = "symptom", needs = { "layers|outputs|init.layers|nonfinite" }, cost = "free",

  doc = {
    what = "Outputs, gradients or weights of a layer are NaN or infinite.",
    formula = "layers whose weights or activations are not finite before the first step; else the"
      .. " first step at which the outputs of a layer, or its gradients or weights, are not",
    source = "TensorFlow's check_numerics, SageMaker's ExplodingTensor",
    false_alarms = "none",
  },
}

-- The earliest step that one of the layers names, and its path.
local function first_of(case, signals)
  local step, path
  for _, layer in ipairs(case.facts.net.layers) do
    local stat = (signals or {})[layer.path]
    local at = stat and stat.first_nonfinite_step
    if at and (not step or at < step) then step, path = at, layer.path end
  end
  return step, path
end

local function at_start(case)
  for _, layer, stat in case.facts:measured("init") do
    if (stat.weight_nonfinite or 0) ~= 0 then return 0, layer.path, "weights" end
    if (stat.nonfinite or 0) ~= 0 then return 0, layer.path, "activations" end
  end
end

local function earliest(case)
  local s = case.signals
  local step, path, what = at_start(case)
  if step then return step, path, what end
  local out, out_path = first_of(case, s.outputs)
  step, path = first_of(case, s.layers)
  if out and not (step and step < out) then return out, out_path, "outputs" end
  if step then return step, path, "gradients or weights" end
  local where = s.nonfinite
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
      step and (step > 0 and string.format(" from step %d", step) or " before the first step")
        or ""),
    where = facts:where(path, step),
    evidence = { finding.evidence("first step", step or "unknown") },
    fixes = {},
  })
end

return M
