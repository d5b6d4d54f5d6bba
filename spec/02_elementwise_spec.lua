-- Elementwise ops: values against 500-digit references, special values, broadcasting and strides
-- against plain loops, integers, ties, dropout, and the texts of errors.
package.path = "./spec/parity/?.lua;./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local core = require "lossdbg.core"
local reference = require "elementwise"
local naive = require "naive_loops"

local op = core.op
local inf, nan = math.huge, 0 / 0

local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.truthy(tostring(message):find(text, 1, true), ("%q lacks %q"):format(message, text))
end

local function same_number(expected, got)
  return got == expected or (got ~= got and expected ~= expected)
end

local function list_is(expected, t)
  local got = t:totable()
  assert.equal(#expected, #got)
  for i, e in ipairs(expected) do
    assert(same_number(e, got[i]), ("element %d: expected %s, got %s"):format(i, e, got[i]))
  end
end

describe("functions of one variable", function()
  -- Relative, and the smallest number of the type.
  local limits = { f64 = { 2e-15, 5e-324 }, f32 = { 1e-6, 1.5e-45 } }
  -- Far down their tails the rounding of the exponent, 200 and 600 large, is what is left.
  local slack = { gelu = 200, gelu_tanh = 600 }

  local function agrees(fn, arguments, expected, dtype, name)
    local got = fn(ld.tensor(arguments, dtype)):totable()
    local relative, absolute = table.unpack(limits[dtype])
    for i, e in ipairs(expected) do
      if dtype == "f32" then e = ld.tensor(e, "f32"):item() end
      local limit = relative * (arguments[i] < -10 and slack[name] or 1) * math.abs(e) + absolute
      assert(same_number(e, got[i]) or math.abs(got[i] - e) <= limit,
        ("%s(%.17g) in %s: expected %.17g, got %.17g"):format(name, arguments[i], dtype, e, got[i]))
    end
  end

  for _, dtype in ipairs { "f64", "f32" } do
    it("agree with 500-digit arithmetic in " .. dtype, function()
      for name, expected in pairs(reference.values) do
        agrees(op[name], reference.arguments, expected, dtype, name)
      end
      for name, expected in pairs(reference.positive_values) do
        agrees(op[name], reference.positive_arguments, expected, dtype, name)
      end
      local function approximate(x) return op.gelu(x, { approximate = true }) end
      agrees(approximate, reference.arguments, reference.gelu_tanh, dtype, "gelu_tanh")
    end)
  end

  it("reproduce the published values of selu, gelu, mish and hard_sigmoid (PyTorch)", function()
    local function value(name, x, ...) return op[name](ld.tensor(x, "f64"), ...):item() end
    assert.near(-1.1113307378, value("selu", -1), 1e-10)
    assert.near(0.8413447461, value("gelu", 1), 1e-10)
    assert.near(0.8411919906, value("gelu", 1, true), 1e-10)
    assert.near(0.8650983883, value("mish", 1), 1e-10)
    assert.near(2 / 3, value("hard_sigmoid", 1), 1e-15)
  end)

  it("take their parameters by place or by name", function()
    local x = ld.tensor({ -2, -0.5, 3 }, "f64")
    list_is({ -1, -0.25, 3 }, op.leaky_relu(x, 0.5))
    list_is({ -0.4, -0.1, 3 }, op.leaky_relu(x))
    list_is({ 2 * (math.exp(-1) - 1), 2 * (math.exp(-0.25) - 1), 3 }, op.celu(x, { alpha = 2 }))
    assert.near(0.5 * (math.exp(-2) - 1), op.elu(x, 0.5)[1], 1e-16)
    list_is({ -1, -0.5, 1 }, op.clip(x, -1, 1))
    list_is({ -2, -0.5, 1 }, op.clip(x, { hi = 1 }))
    list_is({ -4, -1, 3 }, op.prelu(x, 2))
  end)

  it("follow their limits at infinity, and NaN stays NaN", function()
    local at = { -- f(inf), f(-inf)
      neg = { -inf, inf }, exp = { inf, 0 }, log = { inf, nan }, log1p = { inf, nan },
      expm1 = { inf, -1 }, sqrt = { inf, nan }, square = { inf, inf }, abs = { inf, inf },
      sign = { 1, -1 }, sin = { nan, nan }, cos = { nan, nan }, tan = { nan, nan },
      reciprocal = { 0, 0 }, floor = { inf, -inf }, erf = { 1, -1 }, relu = { inf, 0 },
      leaky_relu = { inf, -inf }, elu = { inf, -1 }, celu = { inf, -1 }, softplus = { inf, 0 },
      tanh = { 1, -1 }, sigmoid = { 1, 0 }, hard_sigmoid = { 1, 0 }, relu6 = { 6, 0 },
      log_sigmoid = { 0, -inf }, clip = { inf, -inf }, contiguous = { inf, -inf },
      gelu = { inf, nan }, silu = { inf, nan }, mish = { inf, nan }, -- infinity times 0
    }
    for name, expected in pairs(at) do
      for _, dtype in ipairs { "f32", "f64" } do
        local got = op[name](ld.tensor({ inf, -inf, nan }, dtype)):totable()
        assert(same_number(expected[1], got[1]), name .. "(inf) = " .. got[1])
        assert(same_number(expected[2], got[2]), name .. "(-inf) = " .. got[2])
        assert(got[3] ~= got[3], name .. "(nan) = " .. got[3])
      end
    end
  end)

  it("compute exp, expm1 and tanh in f32 to 2 units in the last place", function()
    local function ulp(x)
      local exponent = math.floor(math.log(math.max(math.abs(x), 2.0 ^ -149), 2))
      return 2.0 ^ (math.max(exponent, -126) - 23)
    end
    local function tanh(x)
      if math.abs(x) < 0.01 then return x - x ^ 3 / 3 + 2 * x ^ 5 / 15 - 17 * x ^ 7 / 315 end
      return 1 - 2 / (math.exp(2 * x) + 1)
    end
    local function expm1(x)
      if math.abs(x) > 0.01 then return math.exp(x) - 1 end
      return x + x ^ 2 / 2 + x ^ 3 / 6 + x ^ 4 / 24 + x ^ 5 / 120 + x ^ 6 / 720
    end
    local wide = ld.linspace(-103.5, 88.5, 4999)
    local small = op.exp(ld.linspace(-30, 0, 999)) -- 1e-13 .. 1
    for _, x in ipairs { wide, small, op.neg(small), wide * 0.05 } do
      local values, exp = x:totable(), op.exp(x):totable()
      local em1, th = op.expm1(x):totable(), op.tanh(x):totable()
      for i, v in ipairs(values) do
        local e, m, t = math.exp(v), expm1(v), tanh(v)
        assert(math.abs(exp[i] - e) <= 2 * ulp(e), ("exp(%.9g) = %.9g"):format(v, exp[i]))
        assert(math.abs(em1[i] - m) <= 2 * ulp(m), ("expm1(%.9g) = %.9g"):format(v, em1[i]))
        assert(math.abs(th[i] - t) <= 2 * ulp(t), ("tanh(%.9g) = %.9g"):format(v, th[i]))
      end
    end
    list_is({ inf, 0, 1 }, op.exp(ld.tensor { 88.8, -104, 0 }))
    assert.equal(2.0 ^ -149, op.exp(ld.tensor { -103.3 })[1])
  end)
end)

describe("functions of two variables", function()
  it("follow IEEE arithmetic at special values", function()
    local a = ld.tensor({ 1, -1, 0, inf, inf, nan, -0.0 }, "f64")
    local b = ld.tensor({ 0, 0, 0, inf, -inf, 1, 5 }, "f64")
    list_is({ 1, -1, 0, inf, nan, nan, 5 }, a + b)
    list_is({ 1, -1, 0, nan, inf, nan, -5 }, a - b)
    list_is({ 0, 0, 0, inf, -inf, nan, 0 }, a * b)
    list_is({ inf, -inf, nan, nan, nan, nan, 0 }, a / b)
    list_is({ 1, 0, 0, inf, inf, nan, 5 }, op.maximum(a, b))
    list_is({ 0, -1, 0, inf, -inf, nan, 0 }, op.minimum(a, b))
    list_is({ 1, 0, 0, inf, inf, nan, 5 }, op.maximum(b, a))
    list_is({ 0, -1, 0, inf, -inf, nan, 0 }, op.minimum(b, a))
  end)

  it("raise to powers as C's pow does", function()
    local base = ld.tensor({ 0, -2, -8, 0, inf, nan, nan, -3, 2, 4 }, "f64")
    local exponent = ld.tensor({ 0, 3, 1 / 3, -1, -1, 0, 2, 2, 0.5, -0.5 }, "f64")
    list_is({ 1, -8, nan, inf, 0, 1, nan, 9, math.sqrt(2), 0.5 }, base ^ exponent)
    list_is({ 0, 4, 64, 0, inf, nan, nan, 9, 4, 16 }, base ^ 2)
  end)

  it("compare with i32 results; NaN equals nothing", function()
    local a, b = ld.tensor { 1, 2, 3, nan, inf }, ld.tensor { 2, 2, 2, nan, inf }
    local expected = { eq = { 0, 1, 0, 0, 1 }, ne = { 1, 0, 1, 1, 0 }, lt = { 1, 0, 0, 0, 0 },
      le = { 1, 1, 0, 0, 1 }, gt = { 0, 0, 1, 0, 0 }, ge = { 0, 1, 1, 0, 1 } }
    for name, values in pairs(expected) do
      local got = op[name](a, b)
      assert.equal("i32", got.dtype)
      list_is(values, got)
      list_is(values, op[name](a:cast "f64", b))
    end
    list_is({ 1, 0, 0 }, op.lt(ld.tensor({ 1, 2, 3 }, "i32"), 2))
  end)

  it("promote i32 < f32 < f64", function()
    local types = { "i32", "f32", "f64" }
    for i, x in ipairs(types) do
      for j, y in ipairs(types) do
        local sum = ld.ones(3, x) + ld.ones(3, y)
        assert.equal(types[math.max(i, j)], sum.dtype)
        list_is({ 2, 2, 2 }, sum)
      end
    end
    assert.equal("f32", (ld.ones(2, "i32") / ld.ones(2, "i32")).dtype)
    assert.equal("f64", op.pow(ld.ones(2, "i32"), ld.ones(2, "f64")).dtype)
    assert.equal("f32", op.exp(ld.ones(2, "i32")).dtype)
  end)
end)

describe("i32 arithmetic", function()
  local low, high = -2147483648, 2147483647
  local function ints(...) return ld.tensor({ ... }, "i32") end

  it("wraps around and stays i32", function()
    local a, b = ints(high, low, 65536, -7), ints(1, -1, 65536, 3)
    list_is({ low, high, 131072, -4 }, a + b)
    list_is({ high - 1, low + 1, 0, -10 }, a - b)
    list_is({ high, low, 0, -21 }, a * b)
    list_is({ high, -1, 65536, 3 }, op.maximum(a, b))
    list_is({ 1, low, 65536, -7 }, op.minimum(a, b))
    list_is({ -high, low, -65536, 7 }, -a)
    list_is({ high, low, 65536, 7 }, op.abs(a))
    list_is({ 1, -1, 1, -1 }, op.sign(a))
    list_is({ 1, 0, 0, 49 }, op.square(a))
    for _, t in ipairs { a + b, a * b, op.maximum(a, b), -a, op.abs(a), op.square(a) } do
      assert.equal("i32", t.dtype)
    end
  end)

  it("converts exactly, drops fractions, and refuses what does not fit", function()
    list_is({ 3, -3, 0, high, low }, op.cast(ld.tensor({ 3.9, -3.9, -0.5, 2147483647.5, low },
      "f64"), "i32"))
    list_is({ low, 16777217 }, op.cast(ints(low, 16777217), "f64"))
    list_is({ 16777216 }, op.cast(ints(16777217), "f32")) -- 2^24 + 1 has no f32
    list_is({ inf }, op.cast(ld.tensor({ 1e300 }, "f64"), "f32"))
    for text, x in pairs { nan = nan, inf = inf, ["3e+09"] = 3e9 } do
      fails("cast: expected values that i32 can hold, got " .. (text == "nan" and "" or text),
        op.cast, ld.tensor({ 1, x }, "f64"), "i32")
    end
    fails("(1 of 2 do not fit)", op.cast, ld.tensor { 1, inf }, "i32")
  end)
end)

describe("broadcasting and strides", function()
  for _, dtype in ipairs { "f32", "f64", "i32" } do
    it("agree with plain loops in " .. dtype, function()
      for _, operands in ipairs(naive.operands(dtype)) do
        local a, b = table.unpack(operands)
        naive.check(op.sub, function(x, y) return x - y end, a, b)
        naive.check(op.mul, function(x, y) return x * y end, a, b)
        naive.check(op.maximum, math.max, a, b)
        naive.check(op.lt, function(x, y) return x < y and 1 or 0 end, a, b)
        naive.check(op.contiguous, function(x) return x end, a)
        naive.check(op.neg, function(x) return -x end, b)
        naive.check(op.where, function(c, x, y) return c ~= 0 and x or y end, op.lt(a, b), a, b)
      end
    end)
  end

  it("work on tensors without elements", function()
    for _, shape in ipairs { { 0 }, { 3, 0 }, { 0, 3 }, { 2, 0, 3 } } do
      local x = ld.zeros(shape)
      x.requires_grad = true
      assert.same(shape, (x + 1).shape)
      assert.same(shape, op.exp(x * x).shape)
      local row = ld.ones { 1 }
      row.requires_grad = true;
      (op.tanh(x) * row):sum():backward()
      assert.same(shape, x.grad.shape)
      list_is({ 0 }, row.grad)
    end
  end)
end)
