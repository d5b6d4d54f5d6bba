--- Rows on another scale than the rest: what was left out when the others were prepared.
local tensors = require "lossdbg.tensor"

local M = {}

local times = 10 -- the size of the middle row: no row of one preparation is so far from it

local function middle(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return sorted[(#sorted + 1) // 2]
end

---Rows whose size (root mean square) is over ten times that of the middle row.
---@param x userdata [n, ...]
---@return integer[]|nil rows from 1; nil where sizes cannot be compared
---@return number middle
---@return number worst
function M.of(x)
  local n = x.shape[1]
  if n < 10 or x:has_nonfinite() then return nil, 0, 0 end
  local sizes = tensors.no_grad(function()
    return x:cast("f64"):contiguous():reshape({ n, x.numel // n }):square():mean(2):sqrt()
      :totable()
  end)
  local usual, found, worst = middle(sizes), {}, 0
  if not (usual > 0) then return nil, 0, 0 end
  for i, size in ipairs(sizes) do
    worst = math.max(worst, size)
    if size > times * usual then found[#found + 1] = i end
  end
  return found, usual, worst
end

return M
