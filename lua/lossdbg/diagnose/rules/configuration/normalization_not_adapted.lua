local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "normalization_not_adapted", cause = "unnormalised_inputs", family = "configuration",
  needs = { "description.layers", "data.x.rms" }, cost = "free",
  limits = { rms = { 3, "standardised inputs have 1" } },
  doc = {
    what = "A normalization layer without statistics hands its input on as it is: adapt was never"
      .. " called.",
    formula = "a normalization layer that was neither adapted nor given mean and variance",
    source = "public question threads",
    false_alarms = "inputs that are of size 1 by themselves: a smell only",
  },
}

function M.check(case, limits)
  local facts = case.facts
  for _, layer in ipairs(facts.net.layers) do
    local options = layer.options or {}
    if layer.kind == "normalization" and not layer.adapted and not layer.given_statistics
      and not options.mean and not options.adapt then
      local rms = case.signals.data.x.rms
      return finding.new(M, {
        title = ("%s has no statistics: it hands its input on as it is"):format(layer.path),
        class = rms > limits.rms and "exact" or "suggestive", where = facts:where(layer.path),
        evidence = { finding.evidence("size of the inputs (rms)", rms, finding.under(limits.rms)) },
        fixes = { { text = "adapt the layer to the training rows",
          patch = { layer = { path = layer.path, options = { adapt = true } } } } },
      })
    end
  end
  return nil
end

return M
