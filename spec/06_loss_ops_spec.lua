-- Losses per sample against NumPy's float64 values of the Keras formulas, their gradients at the
-- clips, extremes, NaN, and the messages about labels and shapes.
local ld = require "lossdbg"
local op = ld.ops

local nan, inf = 0 / 0, math.huge
local ceiling = 16.11809565095832 -- -ln 1e-7

local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.truthy(message:find(text, 1, true), message)
end

local function near(expected, got, tolerance)
  if expected ~= expected then return assert.is_true(got ~= got, "expected NaN, got " .. got) end
  if expected == inf then return assert.equal(inf, got) end
  local limit = (tolerance or 1e-13) * math.max(1, math.abs(expected))
  assert(math.abs(got - expected) <= limit, ("expected %.17g, got %.17g"):format(expected, got))
end

local function rows(expected, got, tolerance)
  assert.equal(#expected, got.numel)
  got = got:reshape { -1 }
  for i, value in ipairs(expected) do near(value, got[i], tolerance) end
end

local function f64(t) return ld.tensor(t, "f64") end

-- p: probabilities, t: soft labels, P: logits or predictions, U: targets, Q: targets far from 0,
-- S: labels 0 and 1, O: distributions; class ids are 1 and 2.
local p, t = f64 { { .9, .2, .4 }, { .1, .7, .3 } }, f64 { { 1, 0, 1 }, { 0, 1, .5 } }
local P, U = f64 { { .9, -2.2, 4 }, { .1, 7, -.3 } }, f64 { { 1, 0, 1 }, { 0, 1, .5 } }
local Q, S = f64 { { 1, -2, 4 }, { .5, 8, -.25 } }, f64 { { 1, 0, 1 }, { 0, 1, 0 } }
local O = f64 { { 0, 1, 0 }, { .25, .25, .5 } }
local ids = ld.tensor({ 1, 2 }, "i32")

-- Written out in NumPy from the formulas of Keras 3, e.g. huber:
-- np.where(abs(e) <= d, .5*e**2, d*abs(e) - .5*d*d).mean(-1)
local golden = {
  { "mse", p, t, nil, { 0.13666666666666666, 0.04666666666666668 } },
  { "mae", p, t, nil, { 0.3, 0.20000000000000004 } },
  { "huber", P, U, nil, { 1.4016666666666666, 1.9416666666666667 } },
  { "huber", P, U, { delta = .5 }, { 0.785, 1.0516666666666665 } },
  { "log_cosh", P, U, nil, { 1.2777918658157275, 1.8675347375945242 } },
  { "hinge", P, S, nil, { 0.033333333333333326, 0.6 } },
  { "hinge", P, S * 2 - 1, nil, { 0.033333333333333326, 0.6 } },
  { "squared_hinge", P, S, nil, { 0.003333333333333332, 0.5666666666666668 } },
  { "poisson", p, t, nil, { 0.8405502954736358, 0.6862203455259763 } },
  { "kl", p, t, nil, { 1.0216497966662077, 0.6120863742706719 } },
  { "msle", P, U, nil, { 0.2807399024558675, 0.6984326465950902 } },
  { "mape", P, Q, nil, { 6.666666666666669, 37.5 } },
  { "cosine_similarity", P, Q, nil, { -0.9989436849233799, -0.9987755720893605 } },
  { "binary_crossentropy", p, t, nil, { 0.414931599615397, 0.414119777909631 } },
  { "binary_crossentropy", p, t, { label_smoothing = .2 },
    { 0.5208667272936619, 0.5156038591670784 } },
  { "binary_crossentropy", P, t, { from_logits = true },
    { 0.15479570747286447, 0.4832211236652908 } },
  { "binary_crossentropy", P, t, { from_logits = true, label_smoothing = .2 },
    { 0.3914623741395311, 0.7132211236652908 } },
  { "categorical_crossentropy", p, O, nil, { 2.0149030205422647, 1.3621115912004873 } },
  { "categorical_crossentropy", p, O, { label_smoothing = .1 },
    { 1.941662201297724, 1.3642058781028281 } },
  { "categorical_crossentropy", P, O, { from_logits = true },
    { 6.246004032248673, 5.376681909001994 } },
  { "categorical_crossentropy", P, O, { from_logits = true, label_smoothing = .1 },
    { 5.936004032248674, 5.312515242335328 } },
  { "sparse_crossentropy", p, ids, nil, { 2.0149030205422647, 1.2992829841302607 } },
  { "sparse_crossentropy", p, ids, { label_smoothing = .1 },
    { 1.941662201297724, 1.3076601317396244 } },
  { "sparse_crossentropy", P, ids, { from_logits = true },
    { 6.246004032248673, 7.301681909001994 } },
  { "sparse_crossentropy", P, ids, { from_logits = true, label_smoothing = .1 },
    { 5.936004032248674, 7.045015242335328 } },
}

local function loss_of(name, pred, target, attrs)
  if attrs then return op[name](pred, target, attrs) end
  return op[name](pred, target)
end

describe("the loss per sample", function()
  for _, case in ipairs(golden) do
    local name, pred, target, attrs, expected = table.unpack(case, 1, 5)
    local title = name
    for key, value in pairs(attrs or {}) do title = title .. " " .. key .. tostring(value) end
    it("agrees with NumPy: " .. title, function()
      rows(expected, loss_of(name, pred, target, attrs))
      local small = target.dtype == "f64" and target:cast("f32") or target
      local rounded = loss_of(name, pred:cast("f32"), small, attrs)
      assert.equal("f32", rounded.dtype)
      rows(expected, rounded, 2e-6)
    end)
  end

  it("agrees with the numbers of the literature", function()
    local z, y = f64 { { 2, -1, .5 }, { 0, 3, -2 } }, ld.tensor({ 0, 2 }, "i32")
    local ce = op.sparse_crossentropy
    near(2.6481482660171523, ce(z, y, true):mean():item(), 1e-15) -- PyTorch, float64
    near(2.6064815993504857, ce(z, y, true, .1):mean():item(), 1e-15)
    near(.164252033486018, op.binary_crossentropy(f64 { .9, .2 }, f64 { 1, 0 }):item(), 1e-14)
    near(1.3250027474, op.log_cosh(f64 { 2 }, f64 { 0 }):item(), 1e-10)
    near(.1644019539, op.msle(f64 { 1 }, f64 { 2 }):item(), 1e-9)
    near(2 - 3 * math.log(2 + 1e-7), op.poisson(f64 { 2 }, f64 { 3 }):item(), 1e-15)
    near(.585, op.huber(f64 { .3, 2.5 }, f64 { 0, 0 }, .5):item())
    near(ceiling, ce(f64 { { 0, 1, 0 } }, ld.tensor({ 0 }, "i32")):item(), 1e-14)
  end)

  it("drops the last axis, whatever the rank", function()
    assert.same({}, op.mse(ld.zeros(3), ld.zeros(3)).shape)
    assert.same({ 2, 3 }, op.mae(ld.zeros { 2, 3, 4 }, ld.zeros { 2, 3, 4 }).shape)
    local ones = ld.zeros({ 2, 3 }, "i32")
    assert.same({ 2, 3 }, op.sparse_crossentropy(ld.ones { 2, 3, 4 }, ones, true).shape)
    assert.same({ 5 }, op.sparse_crossentropy(ld.ones { 5, 4 }, ld.zeros { 5, 1 }).shape)
    assert.same({ 0 }, op.mse(ld.zeros { 0, 3 }, ld.zeros { 0, 3 }).shape)
    assert.same({ 0 }, op.sparse_crossentropy(ld.zeros { 0, 3 }, ld.zeros(0)).shape)
    near(nan, op.mse(ld.zeros { 1, 0 }, ld.zeros { 1, 0 }):item())
  end)

  it("reads targets of any type and layout", function()
    rows({ 0.5 }, op.mse(f64 { { 1, 2 } }, ld.tensor({ { 1, 1 } }, "i32")))
    local turned = f64 { { 2, 0 }, { -1, 3 }, { .5, -2 } }:transpose()
    for _, dtype in ipairs { "i32", "f32", "f64" } do
      local y = ld.tensor({ 0, 2 }, dtype)
      near(2.6481482660171523, op.sparse_crossentropy(turned, y, true):mean():item(), 1e-15)
    end
  end)

  it("of a prediction that is sure and wrong has a ceiling", function()
    local wrong, target = f64 { { 0, 1 } }, f64 { { 1, 0 } }
    near(ceiling, op.binary_crossentropy(wrong, target):item(), 1e-9)
    near(ceiling, op.categorical_crossentropy(wrong, target):item(), 1e-14)
    near(ceiling, op.kl(wrong, target):item(), 1e-6)
    near(16.118095, op.binary_crossentropy(wrong:cast("f32"), target:cast("f32")):item(), 1e-6)
  end)

  it("of huge logits is exact", function()
    local z, y = { { 1e4, -1e4, 0 } }, { { 0, 1, 0 } }
    for _, dtype in ipairs { "f32", "f64" } do
      local pred, target = ld.tensor(z, dtype), ld.tensor(y, dtype)
      near(2e4, op.categorical_crossentropy(pred, target, true):item())
      near(2e4, op.sparse_crossentropy(pred, ld.tensor({ 1 }, "i32"), true):item())
      near(0, op.sparse_crossentropy(pred, ld.tensor({ 0 }, "i32"), true):item())
      near(1e4 / 3 + 1e4 / 3 + math.log(2) / 3,
        op.binary_crossentropy(pred, ld.tensor({ { 0, 1, 0 } }, dtype), true):item(), 1e-7)
      local e = ld.tensor({ 1e4 }, dtype)
      near(1e4 - math.log(2), op.log_cosh(e, ld.zeros(1, dtype)):item(), 1e-7)
    end
    -- a class that is impossible and not asked for costs nothing
    near(math.log(2), op.categorical_crossentropy(f64 { { 0, -inf, 0 } }, f64 { { 1, 0, 0 } },
      true):item())
    near(inf, op.sparse_crossentropy(f64 { { 0, -inf } }, ld.tensor({ 1 }, "i32"), true):item())
  end)

  it("of NaN is NaN, in value and gradient", function()
    for _, case in ipairs(golden) do
      local name, pred, target, attrs = table.unpack(case, 1, 4)
      for column = 1, 3 do
        local bad = pred:clone()
        bad:set(nan, 1, column)
        bad.requires_grad = true
        local loss = loss_of(name, bad, target, attrs)
        assert.is_true(loss[1] ~= loss[1], name)
        assert.is_true(loss[2] == loss[2], name)
        loss:sum():backward()
        local g = bad.grad:get(1, column)
        assert.is_true(g ~= g, name)
        assert.is_true(bad.grad:get(2, column) == bad.grad:get(2, column), name)
      end
    end
    near(nan, op.sparse_crossentropy(f64 { { 0, 0 } }, ld.tensor({ 0 }, "i32")):item())
    near(nan, op.sparse_crossentropy(f64 { { inf, 0 } }, ld.tensor({ 1 }, "i32"), true):item())
  end)
end)

describe("the gradient of a loss", function()
  local function slope(name, pred, target, ...)
    local x = f64(pred)
    x.requires_grad = true
    op[name](x, target, ...):sum():backward()
    return x.grad
  end

  it("is zero where a formula is clipped", function()
    rows({ 0, 0, 2 / 3 }, slope("binary_crossentropy", { { 0, 1, .5 } }, f64 { { 1, 0, 0 } }))
    rows({ 0, -1 }, slope("kl", { { 2, .5 } }, f64 { { .5, .5 } }))
    rows({ 0, 0 }, slope("categorical_crossentropy", { { 0, 1 } }, f64 { { 1, 0 } }))
    rows({ 0 }, slope("msle", { -3 }, f64 { 1 }))
    rows({ 0, -.5 }, slope("hinge", { 3, .5 }, f64 { 1, 1 }))
  end)

  it("of probabilities does not see their common scale", function()
    local g = slope("sparse_crossentropy", { { .2, .3, .9 } }, ld.tensor({ 1 }, "i32"))
    near(0, .2 * g:get(1, 1) + .3 * g:get(1, 2) + .9 * g:get(1, 3))
    rows({ 1 / 1.4, 1 / 1.4 - 1 / .3, 1 / 1.4 }, g)
  end)

  it("of logits is softmax minus target", function()
    local z = { { 2, -1, .5 }, { 1e4, 0, -1e4 } }
    local g = slope("sparse_crossentropy", z, ld.tensor({ 0, 2 }, "i32"), true, .1)
    local softmax = op.softmax(f64(z))
    local smooth = f64 { { .9 + .1 / 3, .1 / 3, .1 / 3 }, { .1 / 3, .1 / 3, .9 + .1 / 3 } }
    rows((softmax - smooth):reshape { -1 }:totable(), g)
  end)

  it("is 0 where |e| turns", function()
    rows({ 0 }, slope("mae", { 2 }, f64 { 2 }))
    rows({ 0 }, slope("mape", { 2 }, f64 { 2 }))
  end)
end)

describe("a loss refuses", function()
  local z = ld.zeros { 20, 10 }
  local function labels(change)
    local list = {}
    for i = 1, 20 do list[i] = i % 10 end
    change(list)
    return ld.tensor(list, "i32")
  end

  it("labels out of range, and guesses why", function()
    local ce = op.sparse_crossentropy
    fails("lossdbg: sparse_crossentropy: label 10 in row 17 is outside 0..9 (labels look 1-based: "
      .. "subtract 1)", ce, z, labels(function(l)
        l[10], l[20], l[17] = 1, 3, 10
      end))
    local ok, message = pcall(ce, z, labels(function(l) l[17] = 10 end))
    assert.is_false(ok)
    assert.matches("label 10 in row 17 is outside 0%.%.9", message)
    assert.is_nil(message:find("1-based", 1, true)) -- there are zeros
    fails("label -1 in row 3 is outside 0..9", ce, z, labels(function(l) l[3] = -1 end))
    fails("label 1.5 in row 2 is not a whole number (class ids are 0..9)", ce, ld.zeros { 2, 10 },
      ld.tensor { 1, 1.5 })
    fails("in row 1 is not a whole number", ce, ld.zeros { 1, 10 }, ld.tensor { nan })
  end)

  it("shapes that do not fit, and guesses why", function()
    fails("mse: the prediction is [20 x 1], but the target is [20]; reshape the target", op.mse,
      ld.zeros { 20, 1 }, ld.zeros(20))
    fails("the prediction is [20 x 10], but the target is [20]; class ids need "
      .. "sparse_crossentropy or one_hot", op.categorical_crossentropy, z, ld.zeros(20))
    fails("needs class ids of its shape without the last axis, got [20 x 10]; one-hot targets need "
      .. "categorical_crossentropy", op.sparse_crossentropy, z, z)
    fails("the prediction is a scalar", op.mse, ld.tensor(1), ld.tensor(1))
    fails("has no classes", op.sparse_crossentropy, ld.zeros { 2, 0 }, ld.zeros(2))
  end)

  it("parameters without meaning", function()
    for _, delta in ipairs { 0, -1, nan, inf } do
      fails("delta must be positive and finite", op.huber, z, z, delta)
    end
    for _, smoothing in ipairs { -0.1, 1.1, nan } do
      fails("label_smoothing must be in 0..1", op.binary_crossentropy, z, z, false, smoothing)
    end
    fails("expected a boolean", op.binary_crossentropy, z, z, 1)
    fails("expected f32 or f64", op.sparse_crossentropy, ld.zeros({ 2, 3 }, "i32"), ld.zeros(2))
  end)
end)
