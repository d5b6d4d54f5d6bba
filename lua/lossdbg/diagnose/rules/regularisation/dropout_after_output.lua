local finding = require "lossdbg.diagnose.finding"

local M = {
  id = "dropout_after_output", cause = "dropout_misuse", family = "regularisation", class = "exact",
  needs = { "description.layers" }, cost = "free",

  doc = {
    what = "Dropout stands between the last weights and the loss: answers are set to zero at"
      .. " random.",
    formula = "a dropout layer behind the last layer with weights",
    source = "keras #5992",
    false_alarms = "none",
  },
}

function M.check(case)
  local facts, net = case.facts, case.facts.net
  if not net.output then return nil, "cannot tell: no layer with weights" end
  local behind, found = false, nil
  for _, layer in ipairs(net.layers) do
    if layer == net.output then behind = true end
    local rate = (layer.options or {}).rate or (layer.options or {})[1]
    if behind and layer.kind == "dropout" and rate ~= 0 then found = layer end
  end
  if not found then return nil end
  return finding.new(M, {
    title = string.format("%s drops answers of the network at random", found.path),

    where = facts:where(found.path),
    evidence = { finding.evidence("dropout layers behind the output", 1, "0") },
    fixes = { { text = "remove the dropout behind the output",
      patch = { remove = { path = found.path } } } },
  })
end

return M
