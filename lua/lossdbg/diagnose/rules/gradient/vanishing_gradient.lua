local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local facts_of = require "lossdbg.diagnose.facts"

local M = {
  id = "vanishing_gradient", cause = "vanishing_gradient", family = "gradient", class = "measured",
  needs = { "layers", "description.layers" }, cost = "free",
  least = { steps = 5 },

  limits = {
    ratio = { 1e-3, "a thousandth of what the last layers get, relative to the weights" },
  },
  doc = {
    what = "Gradients of the early layers are thousands of times smaller, relative to their"
      .. " weights,"
      .. " than those of the last ones: the early layers do not learn.",
    formula = "s = RMS(gradient) / RMS(weights) per layer; R = smallest s of the first third"
      .. " over median s of the last third, at least 3 layers with weights, in a run that does"
      .. " not learn",
    source = "AutoTrainer compares first and last layer; SageMaker and DeepDiagnosis use 1e-7",
    false_alarms = "silent in runs that learn; exact zeros belong to zero_gradient_layer",
  },
}

---Relative gradient size of each layer with weights, in order.
local function profile(case)
  local list = {}
  local init = case.signals.init and case.signals.init.layers or {}
  for _, layer in ipairs(case.facts.net.maps) do
    local stat = case.signals.layers[layer.path]
    local g = stat and stat.grad_rms_median
    if g and facts_of.finite(g) then
      local w = init[layer.path] and init[layer.path].weight_rms
      list[#list + 1] = { path = layer.path, s = g / (w and w > 0 and w or 1) }
    end
  end
  return list
end

function M.check(case, limits)
  local facts = case.facts
  if #facts.net.maps < 3 then return nil, "not applicable: fewer than 3 layers with weights" end
  local list = profile(case)
  if #list < 3 then return nil, "cannot tell: gradients were not measured" end
  if facts.learned or facts.nonfinite then return nil end
  local third = math.max(1, #list // 3)
  local low, path = math.huge, nil
  for i = 1, third do
    if list[i].s < low then low, path = list[i].s, list[i].path end
  end
  local last = {}
  for i = #list - third + 1, #list do last[#last + 1] = list[i].s end
  local reference = facts_of.median(last)
  if not reference or reference <= 0 or low <= 0 then return nil end
  local ratio = low / reference
  if ratio >= limits.ratio then return nil end
  return finding.new(M, {
    title = string.format("gradients vanish: %s gets %s of what the last layer gets", path,
      numfmt.percent(ratio)),

    where = facts:where(path), strength = limits.ratio / ratio,
    evidence = { finding.evidence("relative gradient, first over last", ratio,
        finding.over(limits.ratio)),
      finding.evidence("layers with weights", #list) },
    fixes = {
      { text = "use relu in the hidden layers", patch = { { layers = { kind = "dense",
        hidden = true, options = { activation = "relu" } } }, { init = "he_normal" } } },
    },
  })
end

return M
