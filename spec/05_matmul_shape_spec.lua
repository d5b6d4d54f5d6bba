-- Matrix products against naive loops and NumPy, dense against its parts, views and
-- rearrangements against index arithmetic, and the messages of all of them.
local ld = require "lossdbg"
local op = ld.ops

local nan, inf = 0 / 0, math.huge

local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.truthy(message:find(text, 1, true), message)
end

local function close(a, b, tolerance)
  assert.same(a.shape, b.shape)
  if a.numel > 0 then
    local worst = op.max(op.abs(a:cast("f64") - b:cast("f64"))):item()
    assert(worst <= tolerance, ("off by %g"):format(worst))
  end
end

-- c[i][j] = sum_p a[i][p] b[p][j] of two f64 matrices
local function naive(a, b)
  local m, k, n = a.shape[1], a.shape[2], b.shape[2]
  local c = ld.zeros({ m, n }, "f64")
  for i = 1, m do
    for j = 1, n do
      local s = 0
      for p = 1, k do s = s + a:get(i, p) * b:get(p, j) end
      c:set(s, i, j)
    end
  end
  return c
end

describe("matmul", function()
  it("equals plain loops for every size, order and type", function()
    ld.seed(5)
    for _, s in ipairs { { 1, 1, 1 }, { 1, 7, 1 }, { 3, 2, 5 }, { 8, 8, 8 }, { 17, 33, 9 },
      { 64, 5, 64 }, { 2, 300, 2 } } do
      local a, b = ld.randn({ s[1], s[2] }, "f64"), ld.randn({ s[2], s[3] }, "f64")
      local expected, tolerance = naive(a, b), 1e-13 * s[2] + 1e-14
      local at, bt = a:transpose():contiguous(), b:transpose():contiguous()
      close(expected, a:matmul(b), tolerance)
      close(expected, op.matmul(at, b, true), tolerance)
      close(expected, op.matmul(a, bt, false, true), tolerance)
      close(expected, op.matmul(at, bt, { transpose_a = true, transpose_b = true }), tolerance)
      close(expected, at:transpose():matmul(bt:transpose()), tolerance) -- views, no copy
      close(expected, a:cast("f32"):matmul(b:cast("f32")), 2e-5 * math.sqrt(s[2]))
    end
  end)

  it("agrees with NumPy on a batch that shares one matrix", function()
    local a = (ld.arange(12, nil, nil, "f64") - 5):reshape { 2, 2, 3 }
    local b = (ld.arange(6, nil, nil, "f64") * 0.5):reshape { 3, 2 }
    assert.same({ { { -10, -16 }, { -1, -2.5 } }, { { 8, 11 }, { 17, 24.5 } } },
      a:matmul(b):totable())
  end)

  it("broadcasts batch axes and reads strided batches", function()
    ld.seed(6)
    local a, b = ld.randn({ 2, 1, 3, 4 }, "f64"), ld.randn({ 5, 4, 2 }, "f64")
    local c = a:matmul(b)
    assert.same({ 2, 5, 3, 2 }, c.shape)
    local turned = ld.randn({ 4, 3, 2 }, "f64") -- read as [2 x 3 x 4], no axis of stride 1 last
    local d = turned:transpose():matmul(b:slice(1, 1, 3, 2))
    for i = 1, 2 do
      for j = 1, 5 do close(naive(a[i][1], b[j]), c[i][j], 1e-13) end
      close(naive(turned:transpose()[i], b[2 * i - 1]), d[i], 1e-13)
    end
  end)

  it("of nothing is nothing, or zeros", function()
    assert.same({ 0, 4 }, ld.zeros { 0, 3 }:matmul(ld.zeros { 3, 4 }).shape)
    assert.same({ { 0, 0 } }, ld.full({ 1, 0 }, 1):matmul(ld.full({ 0, 2 }, 1)):totable())
    assert.same({ 0, 2, 2 }, ld.zeros { 0, 2, 3 }:matmul(ld.zeros { 3, 2 }).shape)
  end)

  it("lets NaN and infinity through, even times zero", function()
    for _, bad in ipairs { nan, inf } do
      for n = 1, 20 do
        local a, b = ld.zeros { n, n }, ld.full({ n, n }, 0)
        b:set(bad, n, 1)
        local c = a:matmul(b)
        for i = 1, n do
          assert.is_true(c:get(i, 1) ~= c:get(i, 1))
          for j = 2, n do assert.equal(0, c:get(i, j)) end
        end
      end
    end
  end)

  it("brings its inputs to one type", function()
    assert.equal("f32", ld.eye(2, "i32"):matmul(ld.eye(2, "i32")).dtype)
    assert.equal("f64", ld.eye(2):matmul(ld.eye(2, "f64")).dtype)
  end)

  it("says which sizes differ", function()
    local x = ld.zeros { 32, 13 }
    fails("lossdbg: matmul: inner sizes differ: [32 x 13] times [12 x 64]", op.matmul, x,
      ld.zeros { 12, 64 })
    fails("[32 x 13] times [64 x 13]; is the second matrix transposed?", op.matmul, x,
      ld.zeros { 64, 13 })
    fails("[13 x 32] times [13 x 64]; is the first matrix transposed?", op.matmul,
      ld.zeros { 13, 32 }, ld.zeros { 13, 64 })
    fails("the second matrix is [13], expected rank 2 or more; reshape a vector", op.matmul, x,
      ld.zeros(13))
    fails("batch axes: shapes [3] and [4] do not broadcast", op.matmul, ld.zeros { 3, 2, 2 },
      ld.zeros { 4, 2, 2 })
  end)
end)

describe("dense", function()
  local names = { "linear", "relu", "sigmoid", "tanh", "leaky_relu", "elu", "celu", "selu", "gelu",
    "silu", "mish", "softplus", "softsign", "hard_sigmoid", "hard_silu", "relu6", "log_sigmoid" }

  it("is matmul, bias and activation in one", function()
    ld.seed(8)
    for _, dtype in ipairs { "f64", "f32" } do
      local x, w, b = ld.randn({ 3, 40, 6 }, dtype), ld.randn({ 6, 90 }, dtype), ld.randn(90, dtype)
      for _, name in ipairs(names) do
        local z = x:matmul(w)
        close(op[name](z + b), op.dense(x, w, b, name), dtype == "f64" and 1e-13 or 1e-5)
        close(op[name](z), op.dense(x, w, nil, { activation = name }),
          dtype == "f64" and 1e-13 or 1e-5)
      end
      close(op.exp(x:matmul(w)), op.dense(x, w, nil, "exponential"), dtype == "f64" and 1e-9 or 1)
    end
  end)

  it("has the gradients of its parts", function()
    local function leaves()
      ld.seed(9)
      local list = { ld.randn({ 70, 6 }, "f64"), ld.randn({ 6, 50 }, "f64"), ld.randn(50, "f64") }
      for _, t in ipairs(list) do t.requires_grad = true end
      return list
    end
    for _, name in ipairs(names) do
      local one, parts = leaves(), leaves()
      op.dense(one[1], one[2], one[3], name):square():sum():backward()
      op[name](parts[1]:matmul(parts[2]) + parts[3]):square():sum():backward()
      for i = 1, 3 do close(parts[i].grad, one[i].grad, 1e-10) end
    end
  end)

  it("takes one sample, no samples and no inputs", function()
    assert.same({ 4 }, op.dense(ld.zeros { 3 }, ld.zeros { 3, 4 }).shape)
    assert.same({ 0, 4 }, op.dense(ld.zeros { 0, 3 }, ld.zeros { 3, 4 }, ld.ones(4)).shape)
    assert.same({ { 1, 2 } }, op.dense(ld.zeros { 1, 0 }, ld.zeros { 0, 2 },
      ld.tensor { 1, 2 }):totable())
  end)

  it("names the shapes that do not fit", function()
    local x = ld.zeros { 32, 13 }
    fails("dense: x is [32 x 13] with 13 features, but w is [12 x 64] and takes 12", op.dense, x,
      ld.zeros { 12, 64 })
    fails("(w is [inputs x units]: transposed?)", op.dense, x, ld.zeros { 64, 13 })
    fails("b is [13], but w [13 x 4] has 4 units", op.dense, x, ld.zeros { 13, 4 }, ld.zeros(13))
    fails("w is [13], expected [inputs x units]", op.dense, x, ld.zeros(13))
    fails("x is a scalar", op.dense, ld.tensor(1), ld.zeros { 1, 1 })
    fails("expected one of linear, relu", op.dense, x, ld.zeros { 13, 4 }, nil, "rleu")
  end)
end)

describe("a view", function()
  local base = ld.arange(24):reshape { 2, 3, 4 }

  it("shares the numbers of its source", function()
    local t = ld.zeros { 2, 3 }
    local views = { t:reshape { 3, 2 }, t:transpose(), t:slice(2, 3, 3), t:unsqueeze(1),
      t:expand { 4, -1, -1 }, t:slice(1, 2, 2):squeeze(1) }
    t:set(7, 2, 3)
    for _, v in ipairs(views) do assert.equal(7, v:max():item()) end
  end)

  it("reshape keeps the order and fills in one size", function()
    assert.same({ 6, 4 }, base:reshape { -1, 4 }.shape)
    assert.same({ { 0, 3 }, { 1, 4 }, { 2, 5 } },
      ld.arange(6):reshape { 2, 3 }:transpose():totable())
    assert.same({ 0, 3, 1, 4, 2, 5 },
      ld.arange(6):reshape { 2, 3 }:transpose():reshape { -1 }:totable())
    assert.same({ 0, 5 }, ld.zeros { 5, 0 }:reshape { -1, 5 }.shape)
    fails("[2 x 3 x 4] holds 24 elements and does not fill [5 x -1]", base.reshape, base, { 5, -1 })
    fails("does not fill [23]", base.reshape, base, { 23 })
    fails("at most one of them -1", base.reshape, base, { -1, -1 })
    fails("does not fill [0 x -1]", op.reshape, ld.zeros { 0 }, { 0, -1 })
    fails("axes are more than the limit of 8", op.reshape, base, { 1, 1, 1, 1, 1, 1, 1, 1, 24 })
  end)

  it("transpose names axes from 1", function()
    local t = base:transpose { 3, 1, 2 }
    assert.same({ 4, 2, 3 }, t.shape)
    for i = 1, 2 do
      for j = 1, 3 do
        for k = 1, 4 do assert.equal(base:get(i, j, k), t:get(k, i, j)) end
      end
    end
    assert.same({ 4, 3, 2 }, base:transpose().shape)
    fails("expected each of the 3 axes of [2 x 3 x 4] once, got [1 x 1 x 2]", base.transpose, base,
      { 1, 1, 2 })
    fails("once", base.transpose, base, { 1, 2 })
    fails("once", base.transpose, base, { 0, 1, 2 })
  end)

  it("slice is inclusive and counts from the end", function()
    local v = ld.arange(10)
    assert.same({ 1, 4, 7 }, v:slice(1, 2, -1, 3):totable())
    assert.same({ 7, 8, 9 }, v:slice(1, -3):totable())
    assert.same({ 2 }, v:slice(1, 3, 9, math.maxinteger):totable())
    assert.same({}, v:slice(1, 4, 3):totable())
    assert.same({}, v:slice(1, 1, 0):totable())
    assert.same({ 0 }, ld.zeros { 0 }:slice(1).shape)
    fails("slice: last = 11 is outside 1..10 (axis 1 of [10])", v.slice, v, 1, 3, 11)
    fails("first = 0 is outside 1..10", v.slice, v, 1, 0)
    fails("first = -11 is outside 1..10", v.slice, v, 1, -11)
    fails("step must be positive, got 0", v.slice, v, 1, 1, 2, 0)
  end)

  it("expand, squeeze and unsqueeze change axes of size 1 only", function()
    assert.same({ { 1, 1 }, { 2, 2 } }, ld.tensor { { 1 }, { 2 } }:expand { 2, 2 }:totable())
    assert.same({ 2, 1, 3 }, ld.zeros { 2, 3 }:unsqueeze(2).shape)
    assert.same({ 2, 3, 1 }, ld.zeros { 2, 3 }:unsqueeze(-1).shape)
    fails("[2 x 3 x 4] does not repeat to [2 x 3 x 8]", base.expand, base, { 2, 3, 8 })
    fails("does not repeat", base.expand, base, { 3, 4 })
    fails("axis 2 of [2 x 3 x 4] has size 3", base.squeeze, base, 2)
    fails("axis 5 is outside 1..4", base.unsqueeze, base, 5)
  end)
end)

describe("a rearrangement", function()
  local x = ld.tensor { { 1, 2, 3 }, { 4, 5, 6 } }

  it("concat joins on any axis and brings types together", function()
    assert.same({ { 1, 2, 3, 1 }, { 4, 5, 6, 4 } }, op.concat({ x, x:slice(2, 1, 1) }, 2):totable())
    assert.same({ 4, 3 }, op.concat({ x, x }, 1).shape)
    assert.equal("f64", op.concat { x, ld.zeros({ 2, 1 }, "f64") }.dtype)
    fails("tensor 1 is [2 x 3] and tensor 2 is [3 x 2]: they may differ on axis 1 only", op.concat,
      { x, ld.zeros { 3, 2 } }, 1)
    fails("expected an axis", op.concat, { ld.tensor(1) })
  end)

  it("gather takes positions from 1 and says which is wrong", function()
    assert.same({ { 4, 5, 6 }, { 4, 5, 6 }, { 1, 2, 3 } },
      op.gather(x, ld.tensor({ 2, -1, 1 }, "i32")):totable())
    assert.same({ { { 3 }, { 1 } }, { { 6 }, { 4 } } },
      op.gather(x, ld.tensor { { 3 }, { 1 } }, 2):totable())
    fails("gather: index 3 at position 2 is outside 1..2", op.gather, x, ld.tensor({ 1, 3 }, "i32"))
    fails("index 0 at position 1 is outside 1..2 (indices are 1-based)", op.gather, x,
      ld.tensor({ 0 }, "i32"))
    fails("index 2 is 1.5, not a whole number", op.gather, x, ld.tensor { 1, 1.5 })
    fails("not a whole number", op.gather, x, ld.tensor { nan })
    fails("the axis is empty", op.gather, ld.zeros { 0, 2 }, ld.tensor { 1 })
  end)

  it("one_hot counts classes from 0", function()
    local ids = ld.tensor({ { 2, 0 }, { 1, 1 } }, "i32")
    assert.same({ { { 0, 0, 1 }, { 1, 0, 0 } }, { { 0, 1, 0 }, { 0, 1, 0 } } },
      op.one_hot(ids, 3):totable())
    fails("one_hot: label 2 in row 1 is outside 0..1 (labels look 1-based: subtract 1)", op.one_hot,
      ld.tensor { 2, 1 }, 2)
    fails("classes must be 1 or more, got 0", op.one_hot, ids, 0)
  end)

  it("pad surrounds each axis", function()
    assert.same({ { 9, 1, 2, 3 }, { 9, 4, 5, 6 }, { 9, 9, 9, 9 } },
      op.pad(x, { 0, 1, 1, 0 }, 9):totable())
    fails("expected 4 pads for [2 x 3] (before and after each axis), got 2", op.pad, x, { 1, 1 })
    fails("pads must not be negative", op.pad, x, { 1, -1, 0, 0 })
    fails("too large", op.pad, x, { math.maxinteger, 0, 0, 0 })
  end)

  it("flip turns one axis round", function()
    assert.same({ { 3, 2, 1 }, { 6, 5, 4 } }, op.flip(x, 2):totable())
    assert.same({ { 4, 5, 6 }, { 1, 2, 3 } }, op.flip(x, -2):totable())
  end)
end)
