-- Products of f32 matrices by own kernels, through matmul and dense: against products in f64 with
-- the bound of the rounding errors, and bit by bit where the bits must not depend on the place.
local ld = require "lossdbg"
local core = require "lossdbg.core"
local op = ld.ops

local nan, inf = 0 / 0, math.huge
local eps = 2 ^ -24

-- |c - a b| <= (k + 2) eps |a| |b|, element by element
local function within(a, b, c)
  local x, y = a:cast("f64"), b:cast("f64")
  local k = a.shape[2]
  local off = op.abs(op.matmul(x, y) - c:cast("f64"))
  local bound = op.matmul(op.abs(x), op.abs(y)) * ((k + 2) * eps) + 1e-40
  local worst = op.max(off - bound):item()
  assert(worst <= 0, ("%dx%dx%d: beyond the bound by %g"):format(a.shape[1], b.shape[2], k, worst))
end

local function same_bits(a, b) assert.equal(0, op.max(op.abs(a - b)):item()) end

local function turned(t) return t:transpose():contiguous() end

-- around the tiles of every kernel, the blocks of k and what is small
local sizes = { { 1, 1, 1 }, { 6, 16, 5 }, { 7, 17, 8 }, { 13, 31, 33 }, { 14, 32, 64 },
  { 15, 33, 65 }, { 28, 64, 383 }, { 29, 65, 384 }, { 43, 97, 385 }, { 128, 10, 769 },
  { 3, 300, 1000 }, { 200, 129, 300 }, { 33, 1025, 40 }, { 600, 33, 130 }, { 65, 7, 2000 },
  { 50, 1100, 300 }, { 64, 1, 16 }, { 1, 60, 20 }, { 300, 1, 500 }, { 1, 400, 700 },
  { 700, 10, 256 } }

describe("a product of f32 matrices", function()
  it("stays within the rounding errors in all layouts, with the same bits", function()
    ld.seed(18)
    for _, s in ipairs(sizes) do
      local a, b = ld.randn { s[1], s[3] }, ld.randn { s[3], s[2] }
      local at, bt = turned(a), turned(b)
      local c = a:matmul(b)
      within(a, b, c)
      same_bits(c, op.matmul(at, b, true))
      same_bits(c, op.matmul(a, bt, false, true))
      same_bits(c, op.matmul(at, bt, { transpose_a = true, transpose_b = true }))
      same_bits(c, op.dense(a, b))
    end
  end)

  it("has the bits of its rows and columns alone", function()
    ld.seed(19)
    local a, b = ld.randn { 230, 700 }, ld.randn { 700, 333 }
    local c = a:matmul(b)
    for _, r in ipairs { { 1, 1, 1, 333 }, { 230, 230, 1, 33 }, { 15, 57, 100, 100 },
      { 100, 229, 31, 331 }, { 3, 4, 200, 290 } } do
      local part = a:slice(1, r[1], r[2]):matmul(b:slice(2, r[3], r[4]))
      same_bits(c:slice(1, r[1], r[2]):slice(2, r[3], r[4]), part)
    end
  end)

  it("lets NaN and infinity touch their row and column alone", function()
    for _, s in ipairs { { 20, 40, 9 }, { 100, 150, 400 } } do
      for _, bad in ipairs { nan, inf } do
        local a, b = ld.full({ s[1], s[3] }, 0), ld.full({ s[3], s[2] }, 0)
        b:set(bad, s[3], s[2])
        local c = a:matmul(b)
        for i = 1, s[1] do assert.is_true(c:get(i, s[2]) ~= c:get(i, s[2])) end
        assert.equal(0, op.max(op.abs(c:slice(2, 1, s[2] - 1))):item())
      end
    end
  end)

  it("has the same bits on any number of threads", function()
    ld.seed(21)
    local before = ld.threads()
    for _, s in ipairs { { 256, 700, 300 }, { 2000, 40, 200 }, { 90, 64, 3000 } } do
      local a, b = ld.randn { s[1], s[3] }, ld.randn { s[3], s[2] }
      ld.threads(1)
      local c, d = a:matmul(b), op.matmul(b, a, true, true)
      ld.threads(2)
      local runs = core.shared_runs()
      local c2, d2 = a:matmul(b), op.matmul(b, a, true, true)
      assert.equal(runs + 2, core.shared_runs())
      same_bits(c, c2)
      same_bits(d, d2)
      ld.threads(before)
    end
  end)

  it("adds up over repeated batches", function()
    ld.seed(20)
    local a, b = ld.randn { 3, 50, 60 }, ld.randn { 60, 70 }
    b.requires_grad = true
    op.matmul(a:transpose { 1, 3, 2 }:contiguous(), b, true):sum():backward()
    local expected = a:cast("f64"):sum(1):sum(1):reshape { 60, 1 }:expand { 60, 70 }
    assert(op.max(op.abs(expected - b.grad:cast("f64"))):item() < 1e-4)
  end)

  it("multiplies batches with the bits of each alone, also on two threads", function()
    ld.seed(24)
    local before = ld.threads()
    -- batches and axes of a (0: repeated), of b, sizes
    for _, s in ipairs { { { 64 }, { 64 }, 64, 2, 16 }, { { 64 }, { 64 }, 64, 16, 1 },
      { { 4, 5 }, { 4, 5 }, 64, 32, 64 }, { { 3, 1, 7 }, { 1, 4, 7 }, 9, 40, 33 },
      { { 2, 6 }, { 1, 1 }, 70, 20, 90 }, { { 1, 6 }, { 5, 1 }, 5, 300, 40 } } do
      local shape_a, shape_b = { table.unpack(s[1]) }, { table.unpack(s[2]) }
      local m, k, n = s[3], s[4], s[5]
      shape_a[#shape_a + 1], shape_a[#shape_a + 2] = m, k
      shape_b[#shape_b + 1], shape_b[#shape_b + 2] = k, n
      local a, b = ld.randn(shape_a), ld.randn(shape_b)
      a.requires_grad, b.requires_grad = true, true
      ld.threads(1)
      local c = op.matmul(a, b)
      local seed = ld.randn(c.shape);
      (c * seed):sum():backward()
      local all, ga, gb = c:detach(), a.grad, b.grad
      a.grad, b.grad = nil, nil
      core.threads(2, 0)
      local d = op.matmul(a, b);
      (d * seed):sum():backward()
      same_bits(all, d:detach())
      same_bits(ga, a.grad)
      same_bits(gb, b.grad)
      ld.threads(before)
      -- one by one
      local count = 1
      for i = 1, #c.shape - 2 do count = count * c.shape[i] end
      local full_a, full_b = { table.unpack(c.shape) }, { table.unpack(c.shape) }
      full_a[#full_a], full_b[#full_b - 1] = k, k
      local each_a = a:detach():expand(full_a):contiguous():reshape { count, m, k }
      local each_b = b:detach():expand(full_b):contiguous():reshape { count, k, n }
      local each_c = all:reshape { count, m, n }
      for i = 1, count do
        same_bits(each_c:select(1, i), each_a:select(1, i):matmul(each_b:select(1, i)))
      end
      -- gradients in f64
      local x, y = a:detach():cast("f64"):clone(), b:detach():cast("f64"):clone()
      x.requires_grad, y.requires_grad = true, true;
      (op.matmul(x, y) * seed:cast("f64")):sum():backward()
      assert(op.max(op.abs(x.grad - ga:cast("f64"))):item() < 1e-4 * (n * count) ^ 0.5)
      assert(op.max(op.abs(y.grad - gb:cast("f64"))):item() < 1e-4 * (m * count) ^ 0.5)
    end
  end)

  -- dense and its gradients in f32; seed as the gradient of the result
  local function dense(dtype, x, w, b, seed, activation)
    local t = {}
    for i, v in ipairs { x, w, b } do
      t[i] = v:cast(dtype):clone()
      t[i].requires_grad = true
    end
    local y = op.dense(t[1], t[2], t[3], activation);
    (y * seed:cast(dtype)):sum():backward()
    return { y, t[1].grad, t[2].grad, t[3].grad }
  end

  it("gets its bias and activation in the same pass, with gradients as in f64", function()
    ld.seed(22)
    for _, s in ipairs(sizes) do
      local x, w = ld.randn { s[1], s[3] }, ld.randn { s[3], s[2] } / s[3] ^ 0.5
      local b = ld.randn { s[2] }
      local seed = ld.randn { s[1], s[2] }
      for _, activation in ipairs { "linear", "tanh", "gelu" } do
        local got = dense("f32", x, w, b, seed, activation)
        for i, want in ipairs(dense("f64", x, w, b, seed, activation)) do
          local off = op.max(op.abs(got[i]:cast("f64") - want)):item()
          local scale = 1 + op.max(op.abs(want)):item()
          assert(off <= 2e-5 * scale, ("%s, %d of %dx%dx%d: off by %g"):format(activation, i, s[1],
            s[2], s[3], off))
        end
      end
    end
  end)

  it("gives dense the same bits on any number of threads", function()
    ld.seed(23)
    local before = ld.threads()
    local x, w, b = ld.randn { 300, 500 }, ld.randn { 500, 700 }, ld.randn { 700 }
    local seed = ld.randn { 300, 700 }
    for _, activation in ipairs { "linear", "relu", "gelu" } do
      ld.threads(1)
      local one = dense("f32", x, w, b, seed, activation)
      ld.threads(2)
      local runs = core.shared_runs()
      local two = dense("f32", x, w, b, seed, activation)
      assert(core.shared_runs() >= runs + 3, "a product of dense stayed on one thread")
      for i, t in ipairs(two) do same_bits(one[i], t) end
      ld.threads(before)
    end
  end)
end)
