--- Data of the kept programs: made here, from a seed, with integer arithmetic and sums alone, so
-- that they are the same everywhere. Nothing of them is taken from anybody.
local M = {}

-- splitmix64: uniform numbers in [0, 1), and nearly normal ones as sums of twelve.
local function source(seed)
  local state = seed * 0x9E3779B97F4A7C15
  local function uniform()
    state = state + 0x9E3779B97F4A7C15
    local z = state
    z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ~ (z >> 27)) * 0x94D049BB133111EB
    return ((z ~ (z >> 31)) >> 11) * 2.0 ^ -53
  end
  local function normal()
    local sum = -6
    for _ = 1, 12 do sum = sum + uniform() end
    return sum
  end
  return uniform, normal
end

local function rows(n, make)
  local x, y = {}, {}
  for i = 1, n do x[i], y[i] = make(i) end
  return x, y
end

-- Three groups in four columns, each group around two places.
function M.groups(seed)
  local uniform, normal = source(seed)
  local places = { { 1, 1, -1, 0 }, { -1, 1, 1, 1 }, { 1, -1, 0, 1 }, { -1, -1, 1, -1 },
    { 0, 1, 1, -1 }, { 1, 0, -1, 1 } }
  return rows(300, function()
    local place, row = math.floor(uniform() * 6) + 1, {}
    for j = 1, 4 do row[j] = 1.5 * places[place][j] + 0.5 * normal() end
    return row, (place - 1) % 3
  end)
end

-- A disc within a ring: no straight line parts them.
function M.disc(seed)
  local _, normal = source(seed)
  return rows(300, function()
    local a, b = normal(), normal()
    return { a, b }, a * a + b * b < 1.4 and 1 or 0
  end)
end

-- Readings of five instruments in their own units, some in hundreds, one in millionths.
function M.readings(seed)
  local _, normal = source(seed)
  return rows(320, function()
    local a, b, c = normal(), normal(), normal()
    local label = a - b + 0.5 * c + 0.3 * normal() > 0 and 1 or 0
    return { 1013 + 25 * a, 290 + 8 * b, 4e-6 + 1e-6 * c, 5200 + 900 * normal(), 0.4 * normal() },
      label
  end)
end

-- A smooth surface over three inputs, with a little noise.
function M.surface(seed)
  local uniform, normal = source(seed)
  return rows(320, function()
    local a, b, c = 2 * uniform() - 1, 2 * uniform() - 1, 2 * uniform() - 1
    return { a, b, c }, a * b + 0.7 * c * c * c - 0.4 * a + 0.05 * normal()
  end)
end

-- Six by six pictures with one bright row or column, on noise.
function M.bars(seed)
  local uniform, normal = source(seed)
  return rows(240, function(i)
    local at, flat = math.floor(uniform() * 6), {}
    for p = 0, 35 do
      local on = (i % 2 == 0 and p // 6 or p % 6) == at
      flat[p + 1] = (on and 1 or 0) + 0.15 * normal()
    end
    return flat, i % 2
  end)
end

return M
