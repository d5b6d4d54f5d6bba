local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "layer_reinitialised", cause = "layer_reinitialised", family = "loop", class = "exact",
  needs = {}, cost = "free",

  doc = {
    what = "A layer is created or drawn anew inside the training loop, so that what it learnt is"
      .. " lost at every step.",
    formula = "initialiser of a layer run more than once during training",
    source = "NeuraLint",
    false_alarms = "none",
  },
}

function M.check(case)
  local loop = case.facts.loop
  if not loop then return nil, "cannot tell: the loop was not observed" end
  local again = loop.reinitialise
  if type(again) ~= "table" or #again == 0 then return nil end
  local names = {}
  for i, path in ipairs(again) do names[i] = tostring(path) end
  return finding.new(M, {
    title = string.format("%s is drawn anew in every step", numfmt.list(names)),

    where = case.facts:where(names[1]),
    evidence = { finding.evidence("layers drawn anew", #names, "0", numfmt.list(names)) },
    fixes = { { text = "make the layers once, before the loop", patch = { loop = false } } },
  })
end

return M
