local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "embedding_of_real_features", cause = "embedding_of_real_features",
  family = "configuration", class = "exact", needs = { "data.x", "description.layers" },
  cost = "free",
  doc = {
    what = "An embedding takes ids and gets real numbers: what stands behind the point is cut off,"
      .. " and neighbouring values get rows that have nothing to do with each other.",
    formula = "an embedding as the first layer with weights, and inputs that are not whole",
    source = "public question threads",
    false_alarms = "none",
  },
}

function M.check(case)
  local x, facts = case.signals.data.x, case.facts
  local first
  for _, layer in ipairs(facts.net.layers) do
    if (layer.n_parameters or 0) > 0 then
      first = layer
      break
    end
  end
  if not first or first.kind ~= "embedding" then
    return nil, "not applicable: no embedding takes the inputs"
  end
  if x.integral ~= false then return nil end
  return finding.new(M, {
    title = ("%s takes ids and gets real numbers (%s to %s)"):format(first.path,
      numfmt.number(x.min), numfmt.number(x.max)), where = facts:where(first.path),
    evidence = { finding.evidence("smallest input", x.min), finding.evidence("largest input",
      x.max) },
    fixes = { { text = "use a dense layer for real numbers, and embeddings for ids" } },
  })
end

return M
