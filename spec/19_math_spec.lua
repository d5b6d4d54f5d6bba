-- The f32 functions of our own against libm's in f64, over samples of all floats: units in the last
-- place of the exact value, denormals, overflow, NaN and infinity; and what their gradients say.
local ld = require "lossdbg"
local op = setmetatable({
  gelu_tanh = function(x) return require("lossdbg.core").op.gelu(x, { approximate = true }) end,
}, { __index = require("lossdbg.core").op })

local nan, huge = 0 / 0, math.huge
local least = 2.0 ^ -149

-- Bounds in units in the last place. Where a result near nothing is a product with a denormal
-- factor, it is held to `floor` instead: 104 of the smallest floats.
local bounds = {
  exp = { 1.0 },
  expm1 = { 1.6 },
  log = { 1.0 },
  log1p = { 1.0 },
  tanh = { 1.4 },
  sigmoid = { 2.2 },
  erf = { 2.6 },
  softplus = { 2.8 },
  log_sigmoid = { 2.8 },
  elu = { 1.6 },
  silu = { 3.5, floor = 104 },
  mish = { 4.5, floor = 104 },
  gelu = { 9, floor = 104 },
  gelu_tanh = { 200, floor = 104 }, -- beyond -9 the formula's own exponent has no more digits
}

local function ulp(v)
  v = math.abs(v)
  if v < 2.0 ^ -126 then return least end
  return 2.0 ^ (math.floor(math.log(v, 2)) - 23)
end

local function to_f32(v) return (string.unpack("<f", string.pack("<f", v))) end

-- Every 80000th float of either sign, and more where functions change their formula.
local function samples()
  local list = {}
  for bits = 0, 0xFFFFFFFF, 79999 do
    local v = string.unpack("<f", string.pack("<I4", bits))
    if v == v then list[#list + 1] = v end
  end
  for i = -15000, 15000 do list[#list + 1] = to_f32(i * 0.0082) end
  for _, edge in ipairs { 0.625, 0.8, 0.9, 1, 20, 88.72, 103.97, 0.346, 0.7071, 1.4142 } do
    for i = -40, 40 do
      list[#list + 1] = to_f32(edge * (1 + i * 2.0 ^ -23))
      list[#list + 1] = -list[#list]
    end
  end
  return list
end

local xs = samples()
local narrow, wide = ld.tensor(xs, "f32"), ld.tensor(xs, "f64")

local function is_nan(v) return v ~= v end

describe("f32 functions", function()
  it("are tried on many floats", function() assert.is_true(#xs > 80000) end)

  for name, bound in pairs(bounds) do
    it(("%s stays within %g ulp"):format(name, bound[1]), function()
      local got, want = op[name](narrow):totable(), op[name](wide):totable()
      for i, exact in ipairs(want) do
        local v = got[i]
        local rounded = to_f32(exact)
        if is_nan(rounded) or is_nan(v) then
          assert(is_nan(rounded) and is_nan(v), ("%s(%g) = %g"):format(name, xs[i], v))
        elseif math.abs(rounded) == huge or math.abs(v) == huge then
          -- the last finite floats may round up to infinity
          assert(v == rounded or math.abs(exact) > 3.402e38, ("%s(%g) = %g"):format(name, xs[i], v))
        else
          local room = math.max(bound[1] * ulp(exact), (bound.floor or 0) * least)
          if math.abs(v - exact) > room then
            error(("%s(%.9g) = %.9g, not %.9g: %.2f ulp"):format(name, xs[i], v, exact,
              math.abs(v - exact) / ulp(exact)))
          end
        end
      end
    end)
  end

  it("hand NaN on, wherever it stands", function()
    for name in pairs(bounds) do
      for _, n in ipairs { 1, 16, 17, 37 } do
        for at = 1, n, 5 do
          local list = {}
          for i = 1, n do list[i] = 0.5 end
          list[at] = nan
          local y = op[name](ld.tensor(list, "f32")):totable()
          for i = 1, n do assert.equal(i == at, is_nan(y[i]), name) end
        end
      end
    end
  end)

  it("have their limits at infinity and 0", function()
    local function of(name, x) return op[name](ld.tensor({ x }, "f32")):totable()[1] end
    local limits = {
      { "exp", huge, huge }, { "exp", -huge, 0 }, { "exp", 89, huge }, { "exp", -104.5, 0 },
      { "expm1", huge, huge }, { "expm1", -huge, -1 },
      { "log", 0, -huge }, { "log", -0.0, -huge }, { "log", huge, huge }, { "log", 1, 0 },
      { "log1p", -1, -huge }, { "log1p", huge, huge }, { "log1p", 0, 0 },
      { "tanh", huge, 1 }, { "tanh", -huge, -1 }, { "erf", huge, 1 }, { "erf", -huge, -1 },
      { "sigmoid", huge, 1 }, { "sigmoid", -huge, 0 }, { "sigmoid", 0, 0.5 },
      { "softplus", huge, huge }, { "softplus", -huge, 0 },
      { "log_sigmoid", huge, 0 }, { "log_sigmoid", -huge, -huge },
      { "silu", huge, huge }, { "mish", huge, huge }, { "gelu", huge, huge },
    }
    for _, case in ipairs(limits) do
      assert(of(case[1], case[2]) == case[3], ("%s(%g)"):format(case[1], case[2]))
    end
    for _, name in ipairs { "log", "log1p" } do assert.is_true(is_nan(of(name, -2))) end
    for _, name in ipairs { "log1p", "tanh", "erf" } do
      assert.equal(-huge, 1 / of(name, -0.0), name)
    end
  end)

  it("keep denormals", function()
    for _, name in ipairs { "expm1", "log1p", "tanh" } do
      for _, x in ipairs { 1e-45, -3e-42, 1e-39 } do
        local t = ld.tensor({ x }, "f32")
        assert.equal(t:totable()[1], op[name](t):totable()[1], name)
      end
    end
    local y = op.exp(ld.tensor({ -95.0 }, "f32")):totable()[1]
    assert.is_true(math.abs(y - math.exp(-95)) <= least)
  end)

  it("have the gradients of f64", function()
    local points = {}
    for i = -3000, 3000 do points[#points + 1] = to_f32(i * 0.0051 + 0.0017) end
    for name in pairs(bounds) do
      local list = {}
      for i, x in ipairs(points) do
        list[i] = (name == "log" or name == "log1p") and math.abs(x) + 0.01 or x
      end
      local slopes = {}
      for _, dtype in ipairs { "f32", "f64" } do
        local x = ld.tensor(list, dtype)
        x.requires_grad = true
        op[name](x):sum():backward()
        slopes[dtype] = x.grad:totable()
      end
      for i, want in ipairs(slopes.f64) do
        local room = 4e-6 * (1 + math.abs(want))
        if math.abs(slopes.f32[i] - want) > room then
          error(("%s'(%.9g) = %.9g, not %.9g"):format(name, list[i], slopes.f32[i], want))
        end
      end
    end
  end)
end)
