local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "weights_unchanged", cause = "parameters_not_in_optimizer", family = "loop", class = "exact",
  role = "symptom", needs = { "layers" }, cost = "free", least = { steps = 3 },

  doc = {
    what = "No weight changed in any step.",
    formula = "share of the steps whose update is exactly 0, per layer with parameters",
    source = "SageMaker's UnchangedTensor compares with a tolerance, which small steps meet;"
      .. " torchtest",
    false_alarms = "a perfectly fitted network has no gradient: silenced by its skill",
  },
}

function M.check(case)
  local facts, seen, still = case.facts, 0, 0
  for _, layer in ipairs(facts.net.layers) do
    local stat = case.signals.layers[layer.path]
    if stat and stat.unchanged then
      seen = seen + 1
      if stat.unchanged >= 1 then still = still + 1 end
    end
  end
  if seen == 0 then return nil, "cannot tell: updates were not measured" end
  if still < seen or facts.learned or facts.nonfinite then return nil end
  return finding.new(M, {
    title = string.format("no weight changed in %d steps", facts.steps),
    evidence = { finding.evidence("layers whose weights never moved", still, "0",
      "of " .. seen) },
    fixes = {},
  })
end

return M
