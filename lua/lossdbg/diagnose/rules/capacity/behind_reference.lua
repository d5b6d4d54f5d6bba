local finding = require "lossdbg.diagnose.finding"
local numfmt = require "lossdbg.diagnose.numfmt"

local M = {
  id = "behind_reference", family = "capacity", class = "suggestive",
  needs = { "reference" }, cost = "side_run",
  limits = {
    gap = { 0.3, "of skill: sound programs that are merely short are often 0.1 to 0.3 behind" },
  },
  doc = {
    what = "A plain recipe on the same data reaches clearly more in as many steps: something of"
      .. " the program is in the way. It never alarms alone; it opens a search that may name a"
      .. " cause.",
    formula = "task skill of the recipe on rows it did not see, minus the lower of the run's"
      .. " training and validation skill",
    source = "own; seen in nearly all faulty and few sound programs of the fault benchmark",
    false_alarms = "programs that are merely short, or meant to be small",
  },
}

-- What each of the plain learners reaches.
local function learners(r)
  local list = {}
  for _, one in ipairs { { "network", "network" }, { "nearest", "nearest training row" },
    { "linear", "linear model" } } do
    local skill = r[one[1]]
    if skill then list[#list + 1] = one[2] .. " " .. numfmt.number(skill) end
  end
  return #list > 0 and ": " .. table.concat(list, ", ") or ""
end

---Title and evidence for a reference.
---@param r lossdbg.Reference
---@return { title: string, evidence: table[] }
function M.describe(r)
  return {
    title = string.format("behind what these data allow: skill %s, and %s reaches %s",
      numfmt.number(r.own), r.name, numfmt.number(r.skill)),
    evidence = {
      finding.evidence("skill of the run", r.own, "about " .. numfmt.number(r.skill)),
      finding.evidence("skill of the plain recipe", r.skill, nil,
        (r.held_out and "on rows it did not see" or "on its training rows") .. learners(r)),
    },
  }
end

function M.check(case, limits)
  local r = case.signals.reference
  if not r.gap then return nil, "cannot tell: the skill of the run is not known" end
  if r.gap <= limits.gap then return nil end
  local f = M.describe(r)
  return finding.new(M, { title = f.title, evidence = f.evidence })
end

return M
