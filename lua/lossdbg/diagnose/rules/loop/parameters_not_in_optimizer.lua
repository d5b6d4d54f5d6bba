local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "parameters_not_in_optimizer", cause = "parameters_not_in_optimizer", family = "loop",
  class = "exact",
  needs = { "layers" }, cost = "free", least = { steps = 3 },
  plain_loop = true,
  doc = {
    what = "Some tensors have a gradient and never move while others do: the optimiser does not"
      .. " hold them.",
    formula = "trainable, and either absent from the optimiser's report, or gradient > 0 in some"
      .. " step and update = 0 in all",
    source = "torchtest; public threads (a parameter group that was left out)",
    false_alarms = "layers frozen on purpose are marked and belong to frozen_layer",
  },
}

local function gradient_seen(stat)
  if (stat.zero_grad or 0) >= 1 then return false end
  for _, g in ipairs(stat.grad_norm or {}) do
    if g > 0 then return true end
  end
  return (stat.grad_rms_median or 0) > 0
end

function M.check(case)
  local facts, still, moving = case.facts, {}, 0
  for _, layer in ipairs(facts.net.layers) do
    local stat = case.signals.layers[layer.path]
    local counts = (layer.n_parameters or 0) > 0 and layer.trainable ~= false
      and layer.kind ~= "normalization"
    if not stat and counts and next(case.signals.layers) then
      still[#still + 1] = layer.path -- the optimiser reported nothing about it
    elseif stat and stat.unchanged then
      if stat.unchanged < 1 then
        moving = moving + 1
      elseif layer.trainable ~= false and gradient_seen(stat) and (stat.underflow or 0) == 0 then
        still[#still + 1] = layer.path
      end
    end
  end
  if #still == 0 or moving == 0 then return nil end
  return finding.new(M, {
    title = string.format("%s never move%s: not held by the optimiser", numfmt.list(still),
      #still == 1 and "s" or ""),

    where = facts:where(still[1]),
    evidence = { finding.evidence("layers with a gradient and no update", #still, "0",
      numfmt.list(still)) },
    fixes = { { text = "give the optimiser all parameters of the model" } },
  })
end

return M
