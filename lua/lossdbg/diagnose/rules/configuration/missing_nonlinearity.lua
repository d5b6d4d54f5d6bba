local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"
local structure = require "lossdbg.diagnose.structure"

local M = {
  id = "missing_nonlinearity", cause = "missing_nonlinearity", family = "configuration",
  needs = { "description.layers" }, cost = "free",

  doc = {
    what = "Layers with weights follow each other without an activation: together they are one"
      .. " linear map, whatever their number.",
    formula = "two dense or convolution layers with only transparent layers (dropout, flatten,"
      .. " reshape, normalisation) between them",
    source = "UMLAUT, NeuraLint, DeepDiagnosis",
    false_alarms = "factorised layers and pooling (max-pooling is no linear map) between them",
  },
}

local POOLING = { max_pooling2d = true, max_pooling1d = true, max_pool = true, lambda = true }

local function linear_pairs(net)
  local found, previous = {}, nil
  for _, layer in ipairs(net.layers) do
    if structure.is_linear_map(layer) then
      if previous then found[#found + 1] = previous.path end
      previous = layer
      if structure.activation_of(layer) then previous = nil end
    elseif structure.activation_of(layer) or POOLING[layer.kind] then
      previous = nil
    elseif net.after[layer.path] then
      previous = nil
    end
  end
  return found
end

function M.check(case)
  local facts, net = case.facts, case.facts.net
  local found = net.collapsed or linear_pairs(net)
  if #found == 0 then return nil end
  return finding.new(M, {
    title = string.format("no activation after %s: the layers collapse into one linear map",
      numfmt.list(found)),

    where = facts:where(found[1]),
    -- A linear bottleneck that learns is a choice.
    class = facts.learned and "suggestive" or "measured",
    evidence = { finding.evidence("hidden layers without an activation", #found, "0",
      numfmt.list(found)) },
    fixes = { { text = "use relu in the hidden layers",
      patch = { layers = { kind = "dense", hidden = true, options = { activation = "relu" } } } } },
  })
end

return M
