local finding = require "lossdbg.diagnose.finding"
local overfit = require "lossdbg.diagnose.rules.regularisation.overfitting"

local M = {
  id = "missing_regularisation", cause = "missing_regularisation", family = "regularisation",
  class = "suggestive", part = "validation",
  needs = { "val_loss", "description.layers" }, cost = "free",
  least = { epochs = 8 },
  doc = {
    what = "The run overfits and nothing holds it back: no penalty, decay or dropout.",
    formula = "overfitting fires, and no layer has a penalty or dropout, and the optimiser no"
      .. " decay",
    source = "TheDeepChecker flags every net without decay whose loss reaches 1e-8",
    false_alarms = "early stopping is a regulariser too and counted as one",
  },
}

local KEYS = { "l1", "l2", "l1_l2", "kernel_regularizer", "regularizer", "activity_regularizer" }

local function regularised(case)
  local d = case.description
  if (case.facts:optimizer().weight_decay or 0) ~= 0 then return true end
  if d.early_stopping then return true end
  for _, layer in ipairs(case.facts.net.layers) do
    if layer.kind == "dropout" then return true end
    for _, key in ipairs(KEYS) do
      local value = (layer.options or {})[key]
      if value ~= nil and value ~= 0 then return true end
    end
  end
  return false
end

function M.check(case)
  local over, why = overfit.check(case, overfit.limit)
  if not over then return nil, why end
  if regularised(case) then return nil end
  return finding.new(M, {
    title = "nothing holds the network back: no penalty, no decay, no dropout",

    evidence = { finding.evidence("penalties and dropout layers", 0, "at least 1") },
    fixes = { { text = "drop 20 % of the hidden units", patch = { dropout = 0.2 } } },
  })
end

return M
