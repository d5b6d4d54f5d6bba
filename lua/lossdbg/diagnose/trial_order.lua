--- In which order the arms of trials are tried, and what idle workers may begin with meanwhile. The
-- latter is a guess that costs at most some time: what is asked for, and told, does not follow it.
local M = {}

local enough = 2 -- seeds, after which a clear answer needs no other

local function gain_of(item)
  local verdict = item.arm.verdict
  return verdict and verdict.gain or -math.huge
end

--- Best first by what the seeds so far showed; the order of the findings where that is equal.
---@param list { arm: lossdbg.TrialArm }[]
---@return table[]
function M.by_gain(list)
  local sorted = {}
  for i, item in ipairs(list) do sorted[i] = { item = item, gain = gain_of(item), at = i } end
  table.sort(sorted, function(a, b)
    if a.gain ~= b.gain then return a.gain > b.gain end
    return a.at < b.at
  end)
  for i, entry in ipairs(sorted) do sorted[i] = entry.item end
  return sorted
end

--- The first two seeds of an arm of each finding, which are often enough, then the rest of them,
--- then further arms.
---@param bench lossdbg.TrialBench
---@param list { arm: lossdbg.TrialArm, finding: table }[] in the order in which they are finished
---@param most integer findings that are helped before the trials end
---@return { arm: lossdbg.TrialArm, seeds: integer }[]
function M.likely(bench, list, most)
  local first, rest, more, begun = {}, {}, {}, {}
  for _, item in ipairs(list) do
    local also = begun[item.finding] or #first >= most
    table.insert(also and more or first, { arm = item.arm, seeds = enough })
    if not also then rest[#rest + 1] = { arm = item.arm, seeds = bench.n } end
    begun[item.finding] = true
  end
  table.move(rest, 1, #rest, #first + 1, first)
  return table.move(more, 1, #more, #first + 1, first)
end

--- While every arm is tried on its first seed: the longest first, and when none is left the next
--- seeds of those that did best so far.
---@param bench lossdbg.TrialBench
---@param list { arm: lossdbg.TrialArm, finding: table }[]
---@param most integer
---@return fun(): { arm: lossdbg.TrialArm, seeds: integer }[]
function M.screening(bench, list, most)
  local arms = {}
  for i, item in ipairs(list) do
    arms[i] = { arm = item.arm, seeds = 1, at = i,
      cost = item.arm.reason and 0 or bench:cost(item.arm.experiment) }
  end
  table.sort(arms, function(a, b)
    if a.cost ~= b.cost then return a.cost > b.cost end
    return a.at < b.at
  end)
  return function()
    local seen, all = {}, table.move(arms, 1, #arms, 1, {})
    for _, item in ipairs(M.by_gain(list)) do
      if item.arm.verdict then seen[#seen + 1] = item end
    end
    local further = M.likely(bench, seen, most)
    return table.move(further, 1, #further, #all + 1, all)
  end
end

return M
