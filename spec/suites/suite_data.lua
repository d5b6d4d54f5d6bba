--- Data of the suites: every set is drawn from a seed, and its rows are divided into training and
-- validation rows. `skill` is what a sound program must reach on the training rows.
local ld = require "lossdbg"

local M = {}

local function normal(n, d)
  local x = ld.randn({ n, d }, "f64"):totable()
  return x
end

local function uniform(n) return ld.rand({ n }, "f64"):totable() end

-- x, y: lists of rows; the last quarter validates.
local function parts(x, y, dtype, n)
  local cut = n * 3 // 4
  local function slice(list, first, last, kind)
    return ld.tensor(table.move(list, first, last, 1, {}), kind)
  end
  return { slice(x, 1, cut, "f32"), slice(y, 1, cut, dtype) },
    { slice(x, cut + 1, n, "f32"), slice(y, cut + 1, n, dtype) }
end

local function table_of(n, d, dtype, label, change)
  local x, u, y = normal(n, d), uniform(n), {}
  for i, row in ipairs(x) do
    y[i] = label(row, u[i], i)
    if change then change(row, y[i], i) end
  end
  return parts(x, y, dtype, n)
end

local centres = { { 2, 0, -1, 1 }, { -1, 2, 1, -1 }, { 0, -2, 1, 2 } }

-- Three groups of points.
function M.groups()
  return table_of(240, 4, "i32", function(_, u) return math.min(2, u * 3 // 1 | 0) end,
    function(row, y) for j = 1, 4 do row[j] = 0.7 * row[j] + centres[y + 1][j] end end)
end

-- A disc within a ring.
function M.disc()
  return table_of(320, 2, "i32", function(r)
    return r[1] * r[1] + r[2] * r[2] < 1.3 and 1 or 0
  end)
end

-- Two classes by a plane, a tenth of the rows of one class.
function M.rare()
  return table_of(480, 6, "i32", function(_, u) return u < 0.1 and 1 or 0 end,
    function(row, y) row[1], row[2] = row[1] + 3.5 * y, row[2] - 3 * y end)
end

-- Two classes by a plane, a quarter of the labels turned round by nature.
function M.noisy()
  return table_of(400, 5, "i32", function(r, u)
    local label = r[1] - r[2] + 0.5 * r[3] > 0 and 1 or 0
    return u < 0.2 and 1 - label or label
  end)
end

-- A smooth surface.
function M.surface()
  return table_of(320, 3, "f32", function(r, u)
    return { math.sin(r[1]) + 0.6 * r[2] * r[3] + 0.4 * r[2] + 0.1 * (u - 0.5) }
  end)
end

-- A plane, and as much noise as signal.
function M.weak()
  return table_of(400, 4, "f32", function(r, u)
    return { r[1] - 0.5 * r[2] + 4 * (u - 0.5) }
  end)
end

-- Three questions with yes or no.
function M.questions()
  return table_of(320, 6, "f32", function(r)
    return { r[1] + r[2] > 0 and 1 or 0, r[3] - r[4] > 0.3 and 1 or 0, r[5] > -0.4 and 1 or 0 }
  end)
end

-- Counts: a rate that depends on the inputs.
function M.counts()
  return table_of(400, 3, "f32", function(r, u)
    local rate, k, p = math.exp(1 + 0.7 * r[1] - 0.4 * r[2]), 0, 0
    local term = math.exp(-rate)
    while p + term < u and k < 60 do
      p, k = p + term, k + 1
      term = term * rate / k
    end
    return { k }
  end)
end

-- Columns that three hidden ones explain: for autoencoders, and inputs as targets.
function M.lowrank()
  local h, x = normal(320, 3), {}
  for i, r in ipairs(h) do
    x[i] = { r[1], r[2], r[3], r[1] + r[2], r[2] - r[3], 0.5 * r[1] + r[3], -r[2],
      r[1] - 0.5 * r[2] }
  end
  return parts(x, x, "f32", 320)
end

-- Pictures with a bright row or a bright column.
function M.bars()
  local n, z, u = 240, normal(240, 64), uniform(240)
  local x, y = {}, {}
  for i = 1, n do
    local at, rows = math.min(7, u[i] * 8 // 1 | 0), {}
    for r = 0, 7 do
      rows[r + 1] = {}
      for c = 0, 7 do
        local on = (i % 2 == 0 and r or c) == at
        rows[r + 1][c + 1] = { (on and 1 or 0) + 0.2 * z[i][8 * r + c + 1] }
      end
    end
    x[i], y[i] = rows, i % 2
  end
  return parts(x, y, "i32", n)
end

-- Series: whether the first half is higher than the second.
function M.series()
  local n, z = 280, normal(280, 12)
  local x, y = {}, {}
  for i = 1, n do
    local sum, steps = 0, {}
    for t = 1, 12 do
      steps[t] = { z[i][t] }
      sum = sum + (t <= 6 and z[i][t] or -z[i][t])
    end
    x[i], y[i] = steps, sum > 0 and 1 or 0
  end
  return parts(x, y, "i32", n)
end

-- Words by number: whether more come from the first half of the vocabulary.
function M.words()
  local x, y = {}, {}
  local u = ld.rand({ 300, 9 }, "f64"):totable()
  for i, row in ipairs(u) do
    local ids, low = {}, 0
    for t, v in ipairs(row) do
      ids[t] = math.min(19, v * 20 // 1 | 0)
      low = low + (ids[t] < 10 and 1 or 0)
    end
    x[i], y[i] = ids, low > 4 and 1 or 0
  end
  local cut = 225
  local function slice(list, first, last)
    return ld.tensor(table.move(list, first, last, 1, {}), "i32")
  end
  return { slice(x, 1, cut), slice(y, 1, cut) }, { slice(x, cut + 1, 300), slice(y, cut + 1, 300) }
end

--- Draws a set.
---@param name string
---@param seed integer
---@return table train { x, y }
---@return table val
function M.draw(name, seed)
  ld.seed(seed * 1009 + #name)
  return M[name]()
end

return M
