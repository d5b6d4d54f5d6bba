-- Attention in f32, which works tile by tile, against f64, which takes whole rows: sizes at and
-- around the edges of tiles, with everything that the op can do; and what is not a number.
local ld = require "lossdbg"
local op = ld.ops

local function leaf(seed, shape, dtype, factor)
  ld.seed(seed)
  local t = ld.randn(shape):mul(factor or 1):cast(dtype):detach()
  t.requires_grad = true
  return t
end

local function results(dtype, sizes, options, extra, factor)
  local batch, tq, tk, dk, dv, heads = table.unpack(sizes)
  local q = leaf(1, { batch, tq, heads * dk }, dtype, factor)
  local k = leaf(2, { batch, tk, heads * dk }, dtype, factor)
  local v = leaf(3, { batch, tk, heads * dv }, dtype)
  local bias = extra.bias and leaf(4, extra.bias, dtype)
  local y = op.attention(q, k, v, extra.mask, bias, options)
  ld.seed(5)
  y:backward(ld.randn(y.shape):cast(dtype))
  return { y, q.grad, k.grad, v.grad, bias and bias.grad }
end

-- What is 0 exactly in f64 (one key has all the weight) is within rounding of 0 in f32.
local function compare(sizes, options, extra, factor)
  local wide = results("f64", sizes, options, extra, factor)
  local narrow = results("f32", sizes, options, extra, factor)
  for i = 1, #wide do
    local scale = math.max(op.max(op.abs(wide[i])):item(), 1e-2)
    local off = op.max(op.abs(wide[i] - narrow[i]:cast "f64")):item() / scale
    assert.is_true(off < 2e-5, ("result %d is off by %g"):format(i, off))
  end
end

local sizes = { -- batch, queries, keys, width of keys, width of values, heads
  { 2, 64, 64, 32, 32, 4 }, { 1, 1, 1, 3, 5, 1 }, { 2, 65, 65, 8, 8, 2 }, { 2, 130, 70, 16, 24, 2 },
  { 1, 70, 130, 7, 9, 1 }, { 1, 200, 200, 33, 17, 1 }, { 3, 5, 7, 4, 6, 2 },
}

describe("attention by tiles", function()
  for _, causal in ipairs { false, true } do
    for _, empty in ipairs { "zero", "uniform" } do
      it(("is the same in both types: causal %s, empty %s"):format(causal, empty), function()
        for _, s in ipairs(sizes) do
          local batch, tq, tk, heads = s[1], s[2], s[3], s[6]
          ld.seed(6)
          local extras = {
            {}, { mask = ld.randn({ batch, 1, tq, tk }):gt(0.5) }, { bias = { heads, 1, tk } },
            { mask = ld.randn({ tk }):gt(1), bias = { tq, tk } },
          }
          for _, extra in ipairs(extras) do
            for _, rate in ipairs { 0, 0.3 } do
              compare(s, { heads = heads, causal = causal, empty = empty, rate = rate, seed = 7,
                stream = 8 }, extra)
            end
          end
        end
      end)
    end
  end

  it("stands large scores: the maximum of a later tile takes over", function()
    compare({ 1, 150, 150, 16, 16, 2 }, { heads = 2 }, {}, 6)
    compare({ 1, 150, 150, 16, 16, 2 }, { heads = 2, causal = true }, {}, 6)
    local k = ld.zeros { 1, 130, 1 }
    for i = 1, 130 do k[1][i] = ld.tensor { i * 100 } end
    local v = ld.arange(1, 131):cast("f32"):reshape { 1, 130, 1 }
    assert.near(130, op.attention(ld.ones { 1, 1, 1 }, k, v):item(), 1e-4)
  end)

  it("gives no weight to the future, whatever its size", function()
    for _, n in ipairs { 3, 64, 65, 131 } do
      local x = leaf(1, { 1, n, 8 }, "f32")
      local y = op.attention(x, x, x, { causal = true, heads = 2 })
      for i = 1, n, 13 do
        local part = x:detach():slice(2, 1, i)
        local alone = op.attention(part, part, part, { causal = true, heads = 2 })
        for j = 1, 8 do assert.near(alone[1][i][j], y[1][i][j], 1e-5) end
      end
    end
  end)

  it("makes NaN of a query with NaN, and of all that see a key with NaN or +inf", function()
    local nan, inf = 0 / 0, math.huge
    local function count(t) return op.sum(op.ne(t, t)):item() end
    for _, n in ipairs { 5, 70, 140 } do
      local x = leaf(1, { 1, n, 4 }, "f32"):detach()
      local broken = x:clone()
      broken[1][2] = ld.tensor { nan, 1, 1, 1 }
      local y = op.attention(broken, x, x)
      assert.equal(4, count(y))
      assert.is_true(y[1][2][1] ~= y[1][2][1])
      assert.equal(4 * n, count(op.attention(x, broken, x)))
      broken[1][2] = ld.tensor { inf, 0, 0, 0 }
      local ones = ld.ones { 1, n, 4 }
      assert.equal(4 * n, count(op.attention(ones, broken, x)))
      broken[1][2] = ld.tensor { -inf, 0, 0, 0 }
      assert.equal(0, count(op.attention(ones, broken, x)))
    end
  end)

  it("works without keys and without queries", function()
    local function zeros(n) return ld.zeros { 2, n, 4 } end
    assert.same({ 2, 0, 4 }, op.attention(zeros(0), zeros(3), zeros(3)).shape)
    assert.equal(0, op.sum(op.abs(op.attention(ld.ones { 2, 3, 4 }, zeros(0), zeros(0)))):item())
  end)

  it("gives the same bits with one thread and with two", function()
    if not ld.threads then return end
    local options = { heads = 4, causal = true, rate = 0.2, seed = 1 }
    local before = ld.threads()
    ld.threads(1)
    local one = results("f32", { 3, 130, 130, 8, 8, 4 }, options, {})
    ld.threads(2)
    local two = results("f32", { 3, 130, 130, 8, 8, 4 }, options, {})
    ld.threads(before)
    for i = 1, #one do assert.same(one[i]:totable(), two[i]:totable()) end
  end)
end)
