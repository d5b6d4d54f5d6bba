local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "redundant_activation", cause = "wrong_output_activation", family = "configuration",
  class = "suggestive",
  needs = { "description.layers" }, cost = "free",
  doc = {
    what = "Two activations follow each other without weights between them.",
    formula = "activation option and a separate activation layer, or two activation layers;"
      .. " final_layer_nonlinear judges the harmful ones",
    source = "NeuraLint",
    false_alarms = "none, but it is often harmless (relu after relu)",
  },
}

function M.check(case)
  local facts, net = case.facts, case.facts.net
  for _, layer in ipairs(net.maps) do
    local list = net.after[layer.path]
    if #list >= 2 then
      return finding.new(M, {
        title = string.format("%s activations in a row after %s", numfmt.list(list), layer.path),
        where = facts:where(layer.path),
        evidence = { finding.evidence("activations in a row", #list, "1", numfmt.list(list)) },
        fixes = { { text = "keep one of them" } },
      })
    end
  end
  return nil
end

return M
