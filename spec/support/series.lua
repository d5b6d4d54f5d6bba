-- Generated loss curves, with numbers of their own (not the core's).
local M = {}

-- Standard normals: Box and Muller over Knuth's MMIX generator.
function M.normal(seed)
  local s = seed
  local function uniform()
    s = s * 6364136223846793005 + 1442695040888963407
    return ((s >> 11) + 0.5) * 2.0 ^ -53
  end
  return function()
    return math.sqrt(-2 * math.log(uniform())) * math.cos(2 * math.pi * uniform())
  end
end

-- exp(-slope t) with log-normal noise of coefficient of variation cv, t = 0 .. n - 1.
function M.decay(normal, n, slope, cv)
  local list = {}
  for i = 1, n do list[i] = math.exp(-slope * (i - 1) + cv * normal() - cv * cv / 2) end
  return list
end

return M
