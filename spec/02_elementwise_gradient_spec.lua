-- Elementwise ops: gradients where the slope is a matter of convention, dropout, what is refused.
package.path = "./spec/parity/?.lua;" .. package.path
local ld = require "lossdbg"
local core = require "lossdbg.core"
local reference = require "elementwise"

local op = core.op
local inf, nan = math.huge, 0 / 0

local function leaf(values, dtype)
  local t = ld.tensor(values, dtype)
  t.requires_grad = true
  return t
end

-- The gradients of the sum of fn's result.
local function gradients(fn, ...)
  fn(...):sum():backward()
  local out = {}
  for i, t in ipairs { ... } do out[i] = t.grad and t.grad:totable() end
  return table.unpack(out)
end

local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.truthy(tostring(message):find(text, 1, true), ("%q lacks %q"):format(message, text))
end

describe("the gradient", function()
  for _, dtype in ipairs { "f32", "f64" } do
    it("of maximum and minimum is halved at ties in " .. dtype, function()
      local a, b = leaf({ 1, 2, 3 }, dtype), leaf({ 2, 2, 2 }, dtype)
      local ga, gb = gradients(op.maximum, a, b)
      assert.same({ 0, 0.5, 1 }, ga)
      assert.same({ 1, 0.5, 0 }, gb)
      a, b = leaf({ 1, 2, 3 }, dtype), leaf({ 2, 2, 2 }, dtype)
      ga, gb = gradients(op.minimum, a, b)
      assert.same({ 1, 0.5, 0 }, ga)
      assert.same({ 0, 0.5, 1 }, gb)
    end)

    it("at kinks is the documented one in " .. dtype, function()
      local function at(name, values, ...)
        local extra = { ... }
        return (gradients(function(x) return op[name](x, table.unpack(extra)) end,
          leaf(values, dtype)))
      end
      assert.same({ -1, 0, 1 }, at("abs", { -2, 0, 2 }))
      assert.same({ 0, 0, 1 }, at("relu", { -2, 0, 2 }))
      assert.same({ 0, 0, 0 }, at("sign", { -2, 0, 2 }))
      assert.same({ 0, 0, 0 }, at("floor", { -2, 0.5, 2 }))
      assert.same({ 0, 1, 1, 1, 0 }, at("clip", { -1.5, -1, 0, 1, 1.5 }, -1, 1))
      assert.same({ 0, 0, 1, 0, 0 }, at("relu6", { -1, 0, 3, 6, 7 }))
      assert.same({ 0.5, 0.5, 1 }, at("leaky_relu", { -2, 0, 2 }, 0.5))
      assert.same({ inf, 0.25 }, at("sqrt", { 0, 4 }))
    end)
  end

  it("of a NaN is not hidden by a comparison", function()
    for _, name in ipairs { "relu", "relu6", "hard_sigmoid", "clip" } do
      local g = gradients(op[name], leaf { nan })
      assert.is_true(g[1] ~= 0, name)
    end
    local ga, gb = gradients(op.maximum, leaf { nan, 1 }, leaf { 1, nan })
    assert.same({ 1, 0 }, ga)
    assert.same({ 0, 1 }, gb)
  end)

  it("of whole powers is right at 0 and for negative bases", function()
    local function cube(x) return x ^ 3 end
    assert.same({ 12, 0, 27 }, (gradients(cube, leaf({ -2, 0, 3 }, "f64"))))
    assert.same({ 0, 0 }, (gradients(function(x) return x ^ 0 end, leaf({ 0, -1 }, "f64"))))
    local _, exponent = gradients(op.pow, leaf({ 0, 1, 2 }, "f64"), leaf({ 2, 5, 0 }, "f64"))
    assert.same({ 0, 0, math.log(2) }, exponent)
  end)

  it("of where reaches only the side that was taken, even past NaN", function()
    local cond = ld.tensor({ 1, 0, 1 }, "i32")
    local ga, gb = gradients(function(a, b) return op.where(cond, a, b) end,
      leaf { 1, nan, 3 }, leaf { nan, 5, nan })
    assert.same({ 1, 0, 1 }, ga)
    assert.same({ 0, 1, 0 }, gb)
  end)

  it("goes through a cast in the type of the input, and stops at whole numbers", function()
    local x = leaf { 1.5, -2.5 }
    op.sum(op.cast(x, "f64") * ld.tensor({ 3, 4 }, "f64")):backward()
    assert.equal("f32", x.grad.dtype)
    assert.same({ 3, 4 }, x.grad:totable())
  end)

  it("of one tensor used twice is the sum of both uses", function()
    local x = leaf({ 2, -3 }, "f64")
    assert.same({ 4, -6 }, (gradients(function(a) return a * a end, x)))
    x = leaf({ 2, -3 }, "f64")
    assert.same({ 0, 0 }, (gradients(function(a) return a - a end, x)))
  end)
end)

describe("dropout", function()
  local d = reference.dropout

  it("keeps the elements that Philox4x32-10 says, whatever the shape and type", function()
    for _, dtype in ipairs { "f32", "f64" } do
      local x = ld.ones(#d.mask, dtype)
      local y = op.dropout(x, d.rate, d.seed, d.stream)
      for i, keep in ipairs(d.mask) do assert.near(keep / 0.6, y[i], 1e-6) end
      assert.same(y:totable(), op.dropout(x:reshape { 2, -1 }, d.rate, d.seed, d.stream)
        :reshape { -1 }:totable())
    end
  end)

  it("draws every element alone: the words of long arrays are those of single blocks", function()
    local philox = require("lossdbg.core").random.block
    for _, key in ipairs { { 3, 4 }, { -6148914691236517206, 0x123456789ABCDEF } } do
      for _, n in ipairs { 31, 130, 1029, 40003 } do
        local y = op.dropout(ld.ones(n), 0.375, key[1], key[2]):totable()
        local wrong = 0
        for block = 0, (n - 1) // 4 do
          local words = { philox(key[1], key[2], block) }
          for w = 1, 4 do
            local kept = words[w] >= 0.375 * 2 ^ 32 and 1 / 0.625 or 0
            local got = y[4 * block + w]
            if got and math.abs(got - kept) > 1e-6 then wrong = wrong + 1 end
          end
        end
        assert.equal(0, wrong)
      end
    end
  end)

  it("draws by logical element, so that a transposed view gets its own mask in order", function()
    local x = ld.ones { 13, 2 }
    local y = op.dropout(x:transpose(), { rate = d.rate, seed = d.seed, stream = d.stream })
    for i, keep in ipairs(d.mask) do assert.near(keep / 0.6, y:reshape { -1 }[i], 1e-6) end
  end)

  it("keeps 1 - rate of the elements and their mean", function()
    local n = 40000
    for _, rate in ipairs { 0.1, 0.5, 0.9 } do
      local y = op.dropout(ld.ones(n), rate, 11)
      local kept = op.sum(op.ne(y, 0):cast "f64"):item() / n
      assert.near(1 - rate, kept, 5 * math.sqrt(rate * (1 - rate) / n))
      assert.near(kept / (1 - rate), op.mean(y):item(), 1e-5)
    end
  end)

  it("differs by seed and by stream, and repeats otherwise", function()
    local x = ld.ones(64)
    local first = op.dropout(x, 0.5, 1, 1):totable()
    assert.same(first, op.dropout(x, 0.5, 1, 1):totable())
    assert.not_same(first, op.dropout(x, 0.5, 2, 1):totable())
    assert.not_same(first, op.dropout(x, 0.5, 1, 2):totable())
    assert.same(first, op.dropout(x, { rate = 0.5, seed = 1, stream = 1 }):totable())
  end)

  it("draws the same mask backward", function()
    local x = leaf(ld.linspace(1, 2, 99):totable())
    local y = op.dropout(x, 0.3, 5)
    y:sum():backward()
    for i = 1, 99 do assert.near(y[i], x.grad[i] * x[i], 1e-6) end
  end)

  it("is the identity at rate 0 and drops all, NaN as well, at rate 1", function()
    assert.same({ 1, -2, inf }, op.dropout(ld.tensor { 1, -2, inf }, 0, 1):totable())
    assert.same({ 0, 0, 0, 0 }, op.dropout(ld.tensor { 1, nan, inf, -2 }, 1, 1):totable())
  end)
end)

describe("elementwise ops refuse", function()
  it("shapes that do not broadcast, and say which axis", function()
    for _, name in ipairs { "add", "mul", "lt", "maximum" } do
      fails("lossdbg: " .. name .. ": shapes [2 x 3] and [4] do not broadcast "
        .. "(axis 2: 3 against 4)", op[name], ld.ones { 2, 3 }, ld.ones(4))
    end
    local two, three, five = ld.ones(2), ld.ones(3), ld.ones(5)
    fails("where: shapes [5] and [3] do not broadcast", op.where, two, five, three)
    fails("where: shapes [2] and [3] do not broadcast", op.where, two, three, three)
    fails("prelu: argument 'a': expected a shape that broadcasts to x's [3], got [2 x 3]",
      op.prelu, three, ld.ones { 2, 3 })
  end)

  it("element types that do not fit together in where", function()
    fails("where: argument 'b': expected f32 as 'a' has, got f64", op.where, ld.ones(2), ld.ones(2),
      ld.ones(2, "f64"))
  end)

  it("parameters out of range", function()
    local x = ld.ones(2)
    fails("clip: argument 'hi': expected a number >= lo, got lo = 2, hi = 1", op.clip, x, 2, 1)
    fails("clip: argument 'hi'", op.clip, x, nan)
    fails("elu: argument 'alpha': expected a number >= 0, got -1", op.elu, x, -1)
    fails("celu: argument 'alpha': expected a number > 0, got 0", op.celu, x, 0)
    fails("leaky_relu: argument 'negative_slope': expected a number >= 0, got -0.1", op.leaky_relu,
      x, -0.1)
    fails("dropout: argument 'rate': expected a number in 0..1, got 1.5", op.dropout, x, 1.5, 1)
    fails("dropout: argument 'rate'", op.dropout, x, nan, 1)
    fails("dropout: argument 'seed' is missing", op.dropout, x, 0.5)
  end)

  it("unknown options and surplus arguments", function()
    fails("unknown option 'slope'", op.leaky_relu, ld.ones(2), { slope = 1 })
    fails("arguments too many", op.relu, ld.ones(2), 1)
    fails("argument 'a'", op.add, "x", ld.ones(2))
  end)
end)
