-- Normalisation in f32, which works in lanes and blocks of rows, against the plain f64 loops: sizes
-- around lanes and blocks, a mean far from 0, parts for threads, what is not a number.
local ld = require "lossdbg"
local op = ld.ops

local function leaf(seed, shape, dtype, offset)
  ld.seed(seed)
  local t = ld.randn(shape):add(offset):cast(dtype):detach()
  t.requires_grad = true
  return t
end

local function results(dtype, fn, shape, scale_shape, offset)
  local x = leaf(1, shape, "f32", offset):cast(dtype):detach()
  x.requires_grad = true
  local gamma, beta = leaf(2, scale_shape, dtype, 1), leaf(3, scale_shape, dtype, 0)
  local y = fn(x, gamma, beta)
  ld.seed(4)
  y:backward(ld.randn(y.shape):cast(dtype))
  return { y, x.grad, gamma.grad, beta.grad }
end

local function compare(fn, shape, scale_shape, offset)
  local wide = results("f64", fn, shape, scale_shape, offset or 0)
  local narrow = results("f32", fn, shape, scale_shape, offset or 0)
  for i = 1, #wide do
    local scale = math.max(op.max(op.abs(wide[i])):item(), 1)
    local off = op.max(op.abs(wide[i] - narrow[i]:cast "f64")):item() / scale
    assert.is_true(off < 5e-6, ("%s: result %d is off by %g"):format(table.concat(shape, "x"), i,
      off))
  end
end

local function layer(x, gamma, beta) return op.layer_norm(x, gamma, beta) end
local function rms(x, gamma) return op.rms_norm(x, gamma) end
local function batch(x, gamma, beta) return op.batch_norm(x, gamma, beta) end
local function group(n)
  return function(x, gamma, beta) return op.group_norm(x, gamma, beta, n) end
end

describe("normalisation in f32", function()
  local shapes = { { 1, 5 }, { 7, 33 }, { 3, 1500 }, { 17, 31 }, { 300, 128 }, { 2000, 40 } }

  it("equals f64 for rows", function()
    for _, shape in ipairs(shapes) do
      compare(layer, shape, { shape[2] })
      compare(rms, shape, { shape[2] })
    end
  end)

  it("equals f64 for columns and groups", function()
    for _, shape in ipairs(shapes) do
      if shape[1] > 1 then compare(batch, shape, { shape[2] }) end
    end
    for _, shape in ipairs { { 16, 64, 16 }, { 2, 3, 8 }, { 40, 100, 16 }, { 1, 5, 8 } } do
      for _, n in ipairs { 1, 4, 8 } do compare(group(n), shape, { shape[3] }) end
    end
  end)

  it("keeps its digits where the mean is far from 0", function()
    compare(layer, { 50, 200 }, { 200 }, 1000)
    compare(batch, { 3000, 24 }, { 24 }, 1000)
    compare(group(2), { 4, 90, 8 }, { 8 }, 1000)
    local x = leaf(1, { 3000, 24 }, "f32", 1000):detach()
    local narrow, wide = op.moments(x), op.moments(x:cast "f64")
    assert.is_true(op.max(op.abs(narrow - wide)):item() < 1e-5)
  end)

  it("keeps NaN and infinity to their row, column or group", function()
    local function bad_at(t)
      local list = {}
      for i, value in ipairs(t:reshape({ -1 }):totable()) do
        if value ~= value then list[#list + 1] = i end
      end
      return list
    end
    for _, value in ipairs { 0 / 0, math.huge } do
      local x = leaf(1, { 3, 40 }, "f32", 0):detach()
      x[2][5] = value
      local rows, columns, row = bad_at(op.layer_norm(x)), bad_at(op.batch_norm(x)), {}
      for i = 41, 80 do row[#row + 1] = i end
      assert.same({ 5, 45, 85 }, columns)
      if value ~= value then assert.same(row, rows) else assert.is_true(#rows > 0) end
    end
  end)

  it("gives the same bits with one thread and with two", function()
    if not ld.threads then return end
    local before = ld.threads()
    local list = {}
    for n = 1, 2 do
      ld.threads(n)
      list[n] = {}
      for i, case in ipairs { { layer, { 3000, 40 }, { 40 } }, { batch, { 3000, 40 }, { 40 } },
        { group(4), { 40, 100, 16 }, { 16 } } } do
        list[n][i] = results("f32", case[1], case[2], case[3], 0)
      end
    end
    ld.threads(before)
    for i, first in ipairs(list[1]) do
      for j, t in ipairs(first) do assert.same(t:totable(), list[2][i][j]:totable()) end
    end
  end)
end)
