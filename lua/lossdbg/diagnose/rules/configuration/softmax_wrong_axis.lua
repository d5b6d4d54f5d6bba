local finding = require "lossdbg.diagnose.finding"
local structure = require "lossdbg.diagnose.structure"

local M = {
  id = "softmax_wrong_axis", cause = "softmax_wrong_axis", family = "configuration",
  class = "exact",
  needs = { "description.layers" }, cost = "forward",

  limits = {
    row_sum = { 1e-3, "a softmax over the classes adds up to 1 within rounding" },
  },
  doc = {
    what = "Softmax normalises over the samples of the batch instead of the classes.",
    formula = "softmax output whose rows do not add up to 1, or an axis that is the batch",
    source = "own",
    false_alarms = "none: a softmax over the classes adds up to 1 by construction",
  },
}

local function declared_axis(net)
  for i = #net.layers, 1, -1 do
    local layer = net.layers[i]
    if structure.activation_of(layer) == "softmax" then
      local options = layer.options or {}
      local activation = options.activation
      return options.axis or (type(activation) == "table" and activation.axis) or nil
    end
  end
  return nil
end

function M.check(case, limits)
  local facts, net = case.facts, case.facts.net
  if net.output_activation ~= "softmax" then return nil, "not applicable: no softmax output" end
  local output = (case.signals.init or case.signals.final or {}).output
  local low = output and output.row_sum_min
  local axis = declared_axis(net)
  if not low and axis == nil then return nil, "cannot tell: the outputs were not measured" end
  local wrong = axis == 0 or (low and output.finite ~= false
    and (low < 1 - limits.row_sum or output.row_sum_max > 1 + limits.row_sum))
  if not wrong then return nil end
  return finding.new(M, {
    title = "softmax runs over the batch: the probabilities of a sample do not add up to 1",
    where = facts:where(net.output.path),
    evidence = { finding.evidence("smallest row sum", low or "unknown", "1"),
      finding.evidence("largest row sum", output and output.row_sum_max or "unknown", "1") },
    fixes = { { text = "apply softmax over the last axis",
      patch = { output = { activation = "softmax" } } } },
  })
end

return M
