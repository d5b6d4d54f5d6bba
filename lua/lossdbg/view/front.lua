--- Which findings stand in front of a report, and what is folded under them: at most three causes,
-- with what follows from each. A reader wants to know what to change, not all that it led to.
local M = {}

local most = 3

---@class lossdbg.Front
---@field finding table
---@field index integer in the diagnosis
---@field folded table[] findings that follow from it

local function leads(fronts, finding)
  for _, rule in ipairs(finding.explained_by or {}) do
    for _, front in ipairs(fronts) do
      if front.finding.rule == rule then return front end
    end
  end
  return nil
end

--- Arranges findings, which come in causal order.
---@param diagnosis table
---@param o? { all?: boolean, limit?: integer } all: every finding by itself
---@return lossdbg.Front[] fronts
---@return integer left findings that are neither in front nor folded
function M.arrange(diagnosis, o)
  o = o or {}
  local limit = o.all and #diagnosis or o.limit or most
  local fronts, left = {}, 0
  for i, finding in ipairs(diagnosis) do
    local under = not o.all and leads(fronts, finding)
    if under then
      table.insert(under.folded, finding)
    elseif #fronts < limit then
      fronts[#fronts + 1] = { finding = finding, index = i, folded = {} }
    else
      left = left + 1
    end
  end
  return fronts, left
end

--- What follows from a front finding, in words: the gravest by their titles, the rest by name.
---@param front lossdbg.Front
---@return string[]
function M.consequences(front)
  local out, names = {}, {}
  for _, finding in ipairs(front.folded) do
    if #out < 2 and finding.severity ~= "info" and finding.title then
      out[#out + 1] = "so that " .. finding.title
    else
      names[#names + 1] = finding.rule
    end
  end
  if #names > 0 then
    local shown = table.concat(names, ", ", 1, math.min(4, #names))
    out[#out + 1] = "and " .. shown .. (#names > 4 and (" and %d more"):format(#names - 4) or "")
  end
  return out
end

return M
