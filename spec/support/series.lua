-- Generated numbers and loss curves, and moments by plain loops: nothing of the core's.
local M = {}

-- Numbers in [0, 1): Knuth's MMIX generator.
function M.uniform(seed)
  local s = seed
  return function()
    s = s * 6364136223846793005 + 1442695040888963407
    return (s >> 11) * 2.0 ^ -53
  end
end

-- mean, standard deviation (ddof 0), min, max and number of the finite values
function M.moments(list)
  local n, sum, low, high = 0, 0, nil, nil
  for _, v in ipairs(list) do
    if v == v and math.abs(v) < math.huge then
      n, sum = n + 1, sum + v
      low, high = math.min(low or v, v), math.max(high or v, v)
    end
  end
  local mean, square = sum / n, 0
  for _, v in ipairs(list) do
    if v == v and math.abs(v) < math.huge then square = square + (v - mean) ^ 2 end
  end
  return mean, math.sqrt(square / n), low, high, n
end

-- Standard normals: Box and Muller.
function M.normal(seed)
  local uniform = M.uniform(seed)
  return function()
    return math.sqrt(-2 * math.log(1 - uniform())) * math.cos(2 * math.pi * uniform())
  end
end

-- exp(-slope t) with log-normal noise of coefficient of variation cv, t = 0 .. n - 1.
function M.decay(normal, n, slope, cv)
  local list = {}
  for i = 1, n do list[i] = math.exp(-slope * (i - 1) + cv * normal() - cv * cv / 2) end
  return list
end

return M
