-- Elementwise results computed one element at a time from get(i, j, ...), with NumPy's broadcasting
-- rules spelled out, for comparison with the walker's strided loops.
local assert = require "luassert"
local ld = require "lossdbg"

local M = {}

local function filled(shape, dtype, phase)
  local t = ld.zeros(shape, dtype)
  local flat = t:reshape { -1 }
  for i = 1, flat.numel do flat[i] = (i * 37 + phase) % 101 - 50 end
  return t
end

--- Pairs of operands: every way to broadcast, transposed and stepped views, and sizes on both sides
-- of the walker's thresholds (short inner axes, bands of 64).
---@param dtype string
---@return lossdbg.Tensor[][]
function M.operands(dtype)
  local function t(...) return filled({ ... }, dtype, 3) end
  local function u(...) return filled({ ... }, dtype, 58) end
  return {
    { t(), u() }, { t(1), u() }, { t(7), u(7) }, { t(5, 3), u(5, 3) }, { t(5, 3), u(3) },
    { t(5, 3), u(5, 1) }, { t(1, 3), u(5, 1) }, { t(200, 3), u(3) }, { t(200, 3), u(200, 1) },
    { t(2, 3, 4, 5), u(3, 1, 5) }, { t(2, 1, 4, 1), u(3, 1, 5) }, { t(6), u(2, 1, 6) },
    { t(70, 130):transpose(), u(130, 70) }, { t(70, 130):transpose(), u(70) },
    { t(130, 70):transpose(), u(130, 70):transpose() }, { t(9, 129), u(129, 9):transpose() },
    { t(3, 70, 2, 5):transpose { 4, 2, 1, 3 }, u(70, 3, 1) },
    { t(3, 20, 66):transpose { 3, 1, 2 }, u(20) },
    { t(9, 14):slice(2, 2, 13, 3), u(9, 4) }, { t(4, 1):expand { 4, 66 }, u(66, 4):transpose() },
    { t(2, 2, 2, 2, 2, 2, 2, 2), u(2, 1, 2, 1, 2) },
  }
end

local function broadcast_shape(tensors)
  local rank = 0
  for _, t in ipairs(tensors) do rank = math.max(rank, t.rank) end
  local shape = {}
  for axis = 1, rank do
    shape[axis] = 1
    for _, t in ipairs(tensors) do
      local n = t.shape[axis - (rank - t.rank)]
      if n and n ~= 1 then shape[axis] = n end
    end
  end
  return shape
end

-- The element of t that stands at index of the result.
local function element(t, shape, index)
  local at, own = {}, t.shape
  for axis = 1, t.rank do
    at[axis] = own[axis] == 1 and 1 or index[axis + #index - t.rank]
  end
  return t.rank == 0 and t:item() or t:get(table.unpack(at))
end

local function step(index, shape)
  for axis = #shape, 1, -1 do
    index[axis] = index[axis] + 1
    if index[axis] <= shape[axis] then return true end
    index[axis] = 1
  end
  return false
end

--- Fails unless fn(tensors...) is the broadcast of scalar_fn over their elements.
---@param fn fun(...: lossdbg.Tensor): lossdbg.Tensor
---@param scalar_fn fun(...: number): number
function M.check(fn, scalar_fn, ...)
  local tensors = { ... }
  local out, shape = fn(...), broadcast_shape(tensors)
  assert.same(shape, out.shape)
  local index, flat, i = {}, out:reshape { -1 }:totable(), 0
  for axis = 1, #shape do index[axis] = 1 end
  repeat
    local args = {}
    for k, t in ipairs(tensors) do args[k] = element(t, shape, index) end
    i = i + 1
    local expected = scalar_fn(table.unpack(args))
    if flat[i] ~= expected then
      error(("at [%s]: expected %s, got %s"):format(table.concat(index, " "), expected, flat[i]), 2)
    end
  until not step(index, shape)
  assert.equal(out.numel, i)
end

return M
