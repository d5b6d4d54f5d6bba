local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "softmax_hidden_activation", cause = "softmax_hidden_activation",
  family = "configuration", class = "measured", needs = { "description.layers" }, cost = "free",

  doc = {
    what = "A hidden layer ends in softmax: its units share a total of 1, so that each passes on"
      .. " about 1 / width of the signal and less of the gradient.",
    formula = "softmax after a layer with weights that is not the last one; attention is not a"
      .. " hidden layer",
    source = "public question threads",
    false_alarms = "mixtures of experts, which learn: a remark then",
  },
}

function M.check(case)
  local facts, net, where = case.facts, case.facts.net, {}
  for _, map in ipairs(net.maps) do
    for _, name in ipairs(net.heads[map.path] and {} or net.after[map.path]) do
      if name == "softmax" then where[#where + 1] = map.path end
    end
  end
  if #where == 0 then return nil end
  return finding.new(M, {
    title = string.format("softmax is the activation of the hidden layer%s %s",
      #where == 1 and "" or "s", numfmt.list(where)),
    where = facts:where(where[1]),
    evidence = { finding.evidence("hidden layers with softmax", #where, "0") },
    fixes = { { text = "use relu in the hidden layers",
      patch = { layers = { kind = "dense", hidden = true, options = { activation = "relu" } } } } },
  })
end

return M
