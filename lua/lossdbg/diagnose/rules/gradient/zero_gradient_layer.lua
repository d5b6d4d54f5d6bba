local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "zero_gradient_layer", cause = "vanishing_gradient", family = "gradient", class = "measured",
  needs = { "layers" }, cost = "free", least = { steps = 3 },

  limits = {
    share = { 0.9, "exactly zero in nearly every sampled step" },
  },
  doc = {
    what = "The gradient of a layer is exactly zero in nearly every step: it is disconnected from"
      .. " the loss, or everything behind it is dead or saturated.",
    formula = "share of the sampled steps whose gradient norm is exactly 0, per trainable layer",
    source = "DeepLocalize, TheDeepChecker, torchtest",
    false_alarms = "perfectly fitted hinge losses: silenced by skill",
  },
}

function M.check(case, limits)
  local facts, paths, seen, share = case.facts, {}, 0, 0
  for _, layer in ipairs(facts.net.layers) do
    local stat = case.signals.layers[layer.path]
    if stat and stat.zero_grad and layer.trainable ~= false then
      seen = seen + 1
      if stat.zero_grad >= limits.share then
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

    where = facts:where(paths[1]),
    evidence = { finding.evidence("layers without a gradient", #paths, "0",
      "of " .. seen), finding.evidence("share of the steps", share, "0") },
    fixes = {},
  })
end

return M
