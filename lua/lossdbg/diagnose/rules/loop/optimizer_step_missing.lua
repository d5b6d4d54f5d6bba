local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "optimizer_step_missing", cause = "parameters_not_in_optimizer", family = "loop",
  class = "exact",
  needs = { "layers" }, cost = "free", least = { steps = 3 },
  plain_loop = true,
  doc = {
    what = "Every tensor has a gradient and none of them moves although the learning rate is not"
      .. " zero: the optimiser's step is never taken, or it holds other parameters.",
    formula = "gradient norm > 0 and update = 0 in every step of every layer",
    source = "torchtest; public threads (a guard that skipped the step)",
    false_alarms = "updates below half a unit in the last place look alike: update_underflow is"
      .. " reported then",
  },
}

local function has_gradient(stat)
  if stat.zero_grad and stat.zero_grad >= 1 then return false end
  if stat.grad_norm then
    for _, g in ipairs(stat.grad_norm) do
      if g > 0 then return true end
    end
    return false
  end
  return (stat.grad_rms_median or 0) > 0
end

---No update was recorded for any layer: the optimiser holds none of them.
local function nothing_held(case)
  local facts, trainable = case.facts, 0
  for _, layer in ipairs(facts.net.layers) do
    if (layer.n_parameters or 0) > 0 and layer.trainable ~= false
      and layer.kind ~= "normalization" then
      trainable = trainable + 1
    end
  end
  local loop = case.signals.loop
  if trainable == 0 or facts.nonfinite or loop and (loop.steps or 0) > 0 then
    return nil, "cannot tell: no update was recorded"
  end
  local own_loop = case.description.epochs == nil -- fit is known to call step, a loop is not
  return finding.new(M, {
    title = own_loop and "no parameter was ever updated: opt:step() is not called, or finds no"
      .. " gradient, or the optimiser holds other parameters"
      or "the optimiser holds none of the network's parameters",
    evidence = { finding.evidence("trainable layers without an update", trainable, "0") },
    fixes = { { text = own_loop and "call opt:step() right after backward, with an optimiser made"
        .. " for this model" or "make the optimiser with the parameters of this model" } },
  })
end

function M.check(case)
  local facts, seen = case.facts, 0
  if facts:optimizer().lr == 0 then return nil end
  if not next(case.signals.layers) then return nothing_held(case) end
  for _, layer in ipairs(facts.net.layers) do
    local stat = case.signals.layers[layer.path]
    if stat and stat.unchanged and layer.trainable ~= false then
      if stat.unchanged < 1 or not has_gradient(stat) or (stat.underflow or 0) > 0 then
        return nil
      end
      seen = seen + 1
    end
  end
  if seen == 0 then return nil, "cannot tell: updates were not measured" end
  return finding.new(M, {
    title = string.format("gradients arrive in %d layers, but no step is ever taken", seen),

    evidence = { finding.evidence("layers with a gradient and no update", seen, "0") },
    fixes = { { text = "call opt:step() after backward, on the parameters of this model" } },
  })
end

return M
