-- The generator of spec/parity/*.py: Knuth's MMIX, the highest 8 bits as v / 64 - 2, so that every
-- value is exact in f32.
local ld = require "lossdbg"

--- A tensor of drawn values.
---@param shape integer[]
---@param seed integer
---@param dtype string
---@return lossdbg.Tensor
return function(shape, seed, dtype)
  local t = ld.zeros(shape, dtype)
  local flat, state = t:reshape { -1 }, seed
  for i = 1, flat.numel do
    state = state * 6364136223846793005 + 1442695040888963407
    flat[i] = (state >> 56) / 64 - 2
  end
  return t
end
