local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local effects = require "lossdbg.diagnose.effects"

local M = {
  id = "zero_gradient_layer", cause = "vanishing_gradient", family = "gradient",
  severity = "crit", needs = { "layers" }, cost = "free", least = { steps = 3 },
  explains = effects.union(effects.POOR, { "loss_constant", "loss_not_decreasing",
    "vanishing_gradient", "weights_unchanged", "update_ratio_too_small" }),
  doc = {
    what = "The gradient of a layer is exactly zero in nearly every step: it is disconnected from"
      .. " the loss, or everything behind it is dead or saturated.",
    formula = "share of the sampled steps whose gradient norm is exactly 0, per layer",
    threshold = "at least 0.9 (of at least 3 steps), trainable layers, run has not learnt",
    source = "DeepLocalize, TheDeepChecker, torchtest",
    false_alarms = "perfectly fitted hinge losses: silenced by skill",
  },
}

function M.check(case)
  local facts, paths, seen, share = case.facts, {}, 0, 0
  for _, layer in ipairs(facts.net.layers) do
    local stat = case.signals.layers[layer.path]
    if stat and stat.zero_grad and layer.trainable ~= false then
      seen = seen + 1
      if stat.zero_grad >= 0.9 then
        paths[#paths + 1] = layer.path
        share = math.max(share, stat.zero_grad)
      end
    end
  end
  if seen == 0 then return nil, "cannot tell: gradients were not measured" end
  if #paths == 0 or facts.nonfinite then return nil end
  if facts:well_fitted() then return nil end
  return finding.new(M, {
    title = string.format("no gradient reaches %s (%s of the steps)", numfmt.list(paths),
      numfmt.percent(share)),
    severity = facts.learned and "warn" or "crit", confidence = 0.9,
    where = facts:where(paths[1]),
    evidence = { finding.evidence("layers without a gradient", #paths, "0",
      "of " .. seen), finding.evidence("share of the steps", share, "0") },
    fixes = {},
  })
end

return M
