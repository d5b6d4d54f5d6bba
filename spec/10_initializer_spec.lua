-- Initialisers: bounds and standard deviations of Keras 3.16 and PyTorch 1.13 for (in, out) =
-- (400, 300) and a convolution 3 x 3 x 16 -> 32, worked out from their documented formulas.
local ld = require "lossdbg"
local core = require "lossdbg.core"
local init = ld.init

local TRUNCATED = 0.87962566103423978 -- std of a unit normal cut at 2, SciPy's truncnorm(-2, 2)

local function fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(tostring(message):find(pattern, 1, true), message)
end

-- spec, fans, kind of distribution, bound or standard deviation of the result
local dense, conv = { 400, 300 }, { 144, 288 }
local golden = {
  { "glorot_uniform", dense, "uniform", 0.0925820100 },
  { "xavier_uniform", dense, "uniform", 0.0925820100 },
  { "he_uniform", dense, "uniform", 0.1224744871 },
  { "lecun_uniform", dense, "uniform", math.sqrt(3 / 400) },
  { "torch_linear", dense, "uniform", 0.05 },
  { { "kaiming_uniform", a = math.sqrt(5) }, dense, "uniform", 0.05 },
  { "random_uniform", dense, "uniform", 0.05 },
  { "glorot_normal", dense, "truncated", 0.0534522484 },
  { "he_normal", dense, "truncated", 0.0707106781 },
  { "lecun_normal", dense, "truncated", 0.05 },
  { "truncated_normal", dense, "truncated", 0.05 * TRUNCATED },
  { "random_normal", dense, "normal", 0.05 },
  { "xavier_normal", dense, "normal", 0.0534522484 },
  { { "xavier_normal", gain = 5 / 3 }, dense, "normal", 5 / 3 * 0.0534522484 },
  { { "kaiming_normal", nonlinearity = "relu" }, dense, "normal", 0.0707106781 },
  { { "kaiming_normal", mode = "fan_out", nonlinearity = "linear" }, dense, "normal",
    1 / math.sqrt(300) },
  { { "variance_scaling", scale = 2, mode = "fan_out", distribution = "untruncated_normal" },
    dense, "normal", math.sqrt(2 / 300) },
  { "glorot_uniform", conv, "uniform", 0.1178511302 },
  { "he_uniform", conv, "uniform", 0.2041241452 },
  { "he_normal", conv, "truncated", 0.1178511302 },
}

describe("initialiser", function()
  for _, row in ipairs(golden) do
    local spec, fans, kind, number = table.unpack(row)
    local name = type(spec) == "table" and spec[1] or spec
    it(("%s for fans %d, %d"):format(name, fans[1], fans[2]), function()
      local t = ld.zeros { 1000, 1000 }
      local made = init.get(spec)
      assert.equal(t, made(t, 5, core.random.stream("init", 1, 1), fans[1], fans[2]))
      local s = core.diagnose.stats(t)
      local std = kind == "uniform" and number / math.sqrt(3) or number
      assert.near(1, s.std ^ 2 / std ^ 2, 0.01)
      assert.near(0, s.mean, 4 * std / 1000)
      local bound = kind == "uniform" and number or kind == "truncated" and 2 * std / TRUNCATED
      if bound then
        assert.is_true(s.max <= bound * (1 + 1e-6) and s.min >= -bound * (1 + 1e-6))
        assert.is_true(s.max > 0.99 * bound and s.min < -0.99 * bound)
      else
        assert.is_true(s.max > 4 * std) -- a million draws: not cut anywhere near
      end
    end)
  end

  it("takes the fans from the shape by the rule of Keras", function()
    assert.same({ 400, 300 }, { init.fans { 400, 300 } })
    assert.same({ 144, 288 }, { init.fans { 3, 3, 16, 32 } })
    assert.same({ 7, 7 }, { init.fans { 7 } })
    assert.same({ 1, 1 }, { init.fans {} })
    local a, b = ld.zeros { 3, 3, 16, 32 }, ld.zeros { 3, 3, 16, 32 }
    init.get("he_normal")(a, 1, 2)
    init.get("he_normal")(b, 1, 2, 144, 288)
    assert.same(a:totable(), b:totable())
  end)

  it("knows PyTorch's gains", function()
    assert.same({ 1, 5 / 3, math.sqrt(2), 3 / 4 },
      { init.gain "linear", init.gain "tanh", init.gain "relu", init.gain "selu" })
    assert.near(1.4141428570, init.gain "leaky_relu", 1e-10)
  end)

  it("fills with constants", function()
    assert.same({ 0, 0 }, init.zeros()(ld.ones(2), 1):totable())
    assert.same({ 1, 1 }, init.get("ones")(ld.zeros(2), 1):totable())
    assert.same({ 2.5, 2.5 }, init.get({ "constant", 2.5 })(ld.zeros(2), 1):totable())
    assert.same({ 3, 3 }, init.constant(3)(ld.zeros(2), 1):totable())
    assert.same({ 4, 4 }, init.get(4)(ld.zeros(2), 1):totable())
    assert.same({ { 2, 0, 0 }, { 0, 2, 0 } },
      init.identity(2)(ld.ones { 2, 3 }, 1):totable())
  end)

  it("depends on seed and stream alone", function()
    local function draw(seed, stream)
      return init.get("he_normal")(ld.zeros { 4, 3 }, seed, stream):totable()
    end
    assert.same(draw(1, 2), draw(1, 2))
    assert.not_same(draw(1, 2), draw(1, 3))
    assert.not_same(draw(1, 2), draw(2, 2))
  end)

  it("can be a function, and an initialiser stays what it is", function()
    local seen
    local custom = init.get(function(t, seed, stream, fan_in, fan_out)
      seen = { seed, stream, fan_in, fan_out }
      t:fill_(9)
    end)
    assert.same({ { 9, 9 } }, custom(ld.zeros { 1, 2 }, 3, 4):totable())
    assert.same({ 3, 4, 1, 2 }, seen)
    assert.equal(custom, init.get(custom))
  end)
end)

-- Q of the QR decomposition by Householder's reflections, columns turned so that diag R > 0.
local function householder_q(a, rows, cols)
  local q = {}
  for i = 1, rows do
    q[i] = {}
    for j = 1, rows do q[i][j] = i == j and 1 or 0 end
  end
  local sign = {}
  for k = 1, cols do
    local norm = 0
    for i = k, rows do norm = norm + a[i][k] ^ 2 end
    local alpha = a[k][k] > 0 and -math.sqrt(norm) or math.sqrt(norm)
    local v, vv = {}, 0
    for i = k, rows do
      v[i] = a[i][k] - (i == k and alpha or 0)
      vv = vv + v[i] ^ 2
    end
    for j = 1, cols do
      local dot = 0
      for i = k, rows do dot = dot + v[i] * a[i][j] end
      for i = k, rows do a[i][j] = a[i][j] - 2 * v[i] * dot / vv end
    end
    for i = 1, rows do
      local dot = 0
      for j = k, rows do dot = dot + q[i][j] * v[j] end
      for j = k, rows do q[i][j] = q[i][j] - 2 * dot * v[j] / vv end
    end
    sign[k] = a[k][k] > 0 and 1 or -1
  end
  for i = 1, rows do
    for j = 1, cols do q[i][j] = q[i][j] * sign[j] end
  end
  return q
end

describe("orthogonal", function()
  for _, shape in ipairs { { 50, 20 }, { 20, 50 }, { 3, 3, 4, 8 }, { 2, 2, 3, 40 }, { 7, 7 },
    { 1, 5 }, { 5, 1 }, { 1, 1 } } do
    it("has orthonormal " .. table.concat(shape, " x "), function()
      local t = init.get({ "orthogonal", gain = 2 })(ld.zeros(shape, "f64"), 3, 4)
      local cols = shape[#shape]
      local rows = t.numel // cols
      local w = t:reshape { rows, cols }
      local product = rows >= cols and w:transpose():matmul(w) or w:matmul(w:transpose())
      local n = math.min(rows, cols)
      assert.near(0, (product - ld.eye(n, "f64") * 4):abs():max():item(), 1e-13)
    end)
  end

  it("is the Q of a normal matrix, as Householder finds it", function()
    local rows, cols = 9, 6
    local a = core.random.normal(ld.zeros({ cols, rows }, "f64"), 3, 4):transpose():totable()
    local q = householder_q(a, rows, cols)
    local t = init.get("orthogonal")(ld.zeros({ rows, cols }, "f64"), 3, 4)
    for i = 1, rows do
      for j = 1, cols do assert.near(q[i][j], t:get(i, j), 1e-13) end
    end
  end)

  it("takes empty tensors and refuses vectors", function()
    assert.equal(0, init.get("orthogonal")(ld.zeros { 0, 3 }, 1, 2).numel)
    fails("expected rank 2 or more", init.get("orthogonal"), ld.zeros(3), 1, 2)
  end)
end)

describe("misuse", function()
  local cases = {
    { "did you mean 'he_normal'", function() init.get "he_norml" end },
    { "did you mean 'value'", function() init.get { "constant", valu = 1 } end },
    { "there are none", function() init.get { "he_normal", gain = 1 } end },
    { "'std': expected a number >= 0", function() init.random_normal { std = -1 } end },
    { "'mode': unknown value", function() init.kaiming_normal { mode = "fan_avg" } end },
    { "expected a name, a table or a function, got true", function() init.get(true) end },
    { "unknown initialiser nil", function() init.get {} end },
    { "'tensor': expected a tensor, got 3", function() init.get("ones")(3) end },
    { "f32 or f64", function() init.get("he_normal")(ld.zeros({ 2, 2 }, "i32"), 1) end },
    { "expected rank 2, got rank 1", function() init.identity()(ld.zeros(2), 1) end },
    { "'seed': expected an integer", function() init.get("he_normal")(ld.zeros(2), 0.5) end },
  }
  for _, case in ipairs(cases) do
    it("says " .. case[1], function() fails(case[1], case[2]) end)
  end
end)
