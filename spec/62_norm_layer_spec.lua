-- Layers that normalise: when statistics move and when not, shapes, counts and messages. The
-- numbers are held in spec/parity.
local ld = require "lossdbg"
local op = require("lossdbg.core").op
local nn = ld.nn

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

local function explains(message, ...)
  for _, part in ipairs { ... } do
    assert.is_truthy(message:find(part, 1, true), ("%q lacks %q"):format(message, part))
  end
end

local function built(description, shape, options)
  return nn.sequential { description }:build(shape, options)
end

local function flat(t) return t:reshape({ -1 }):totable() end

local training = { training = true }

describe("batch_norm", function()
  local x = ld.tensor { { 1, -2 }, { 3, 0 }, { 5, 8 } } -- means 3, 2; variances 8/3, 56/3

  it("uses the batch in training and the moving statistics outside it", function()
    local model = built(nn.batch_norm(), { 2 }, { dtype = "f64" })
    local y = model(x:cast "f64", training)
    local d1, d2 = math.sqrt(8 / 3 + 1e-3), math.sqrt(56 / 3 + 1e-3)
    for i, value in ipairs { -2 / d1, -4 / d2, 0, -2 / d2, 2 / d1, 6 / d2 } do
      assert.near(value, flat(y)[i], 1e-12)
    end
    local weights = model[1].weights -- 0.99 old + 0.01 new
    assert.near(0.03, weights.moving_mean[1], 1e-15)
    assert.near(0.99 + 0.56 / 3, weights.moving_variance[2], 1e-15)
    local mean, deviation = 0.03, math.sqrt(0.99 + 0.08 / 3 + 1e-3)
    assert.near((1 - mean) / deviation, model(x:cast "f64"):get(1, 1), 1e-12)
  end)

  it("follows the unbiased variance in flavor torch", function()
    local model = built(nn.batch_norm { flavor = "torch" }, { 2 }, { dtype = "f64" })
    model(x:cast "f64", training)
    assert.near(0.3, model[1].weights.moving_mean[1], 1e-15)
    assert.near(0.9 + 0.1 * 4, model[1].weights.moving_variance[1], 1e-15) -- 8/2
    assert.near(1e-5, model[1].epsilon, 0)
  end)

  it("moves statistics in training only", function()
    local model = built(nn.batch_norm(), { 2 })
    local function state() return table.concat(flat(model[1].weights.moving_mean), " ") end
    local before = state()
    model(x)
    model:predict(x)
    model(x, { training = true, probe = true })
    assert.is_true(ld.gradcheck(model, x, ld.zeros { 3, 2 }, { loss = "mse" }).passed)
    assert.equal(before, state())
    model(x, training)
    assert.not_equal(before, state())
  end)

  it("treats a frozen layer as each framework does", function()
    for flavor, moves in pairs { keras = false, torch = true } do
      local model = built(nn.batch_norm { flavor = flavor }, { 2 })
      model:freeze()
      model(x, training)
      assert.equal(moves, model[1].weights.moving_mean[1] ~= 0)
    end
  end)

  it("keeps its statistics apart from what is learnt", function()
    local model = built(nn.batch_norm(), { 2 })
    assert.equal(8, model:count())
    assert.equal(4, model:count(true))
    model:freeze():unfreeze()
    local wanted = { gamma = true, beta = true, moving_mean = false, moving_variance = false }
    for _, twin in ipairs { model, model:clone(), model:clone():to "f64" } do
      for _, parameter in ipairs(twin[1].parameters) do
        assert.equal(parameter.name, parameter.role)
        assert.equal(wanted[parameter.name], parameter.tensor.requires_grad)
      end
    end
  end)

  it("clones, saves and loads its statistics", function()
    local model = built(nn.batch_norm(), { 2 })
    model(x, training)
    local twin, state = model:clone(), model:state()
    model(x, training)
    assert.not_same(flat(twin[1].weights.moving_mean), flat(model[1].weights.moving_mean))
    model:load_state(state)
    assert.same(flat(twin[1].weights.moving_mean), flat(model[1].weights.moving_mean))
    assert.same(flat(twin[1].weights.moving_variance), flat(model[1].weights.moving_variance))
  end)

  it("leaves statistics alone where telemetry measures a run", function()
    local rows = { ld.randn { 20, 2 }, ld.randn { 20, 1 } }
    local layers = nn.sequential { nn.batch_norm(), nn.dense(1) }
    local run = ld.experiment { train = rows, model = layers, loss = "mse",
      optimizer = ld.optim.sgd { lr = 0 }, batch = 20, epochs = 3 }:fit { verbose = 0 }
    local twin = built(nn.batch_norm(), { 2 }, { dtype = "f64" })
    for _ = 1, 3 do twin(rows[1]:cast "f64", training) end -- the same batch, in any order
    local weights = run.model[1].weights
    for i = 1, 2 do
      assert.near(twin[1].weights.moving_mean[i], weights.moving_mean[i], 1e-6)
      assert.near(twin[1].weights.moving_variance[i], weights.moving_variance[i], 1e-6)
    end
    assert.equal(4, run.signals.layers.batch_norm_1 and run.model[1]:count(true))
  end)

  it("ignores an empty batch", function()
    local model = built(nn.batch_norm(), { 2 })
    assert.same({ 0, 2 }, model(ld.zeros { 0, 2 }, training).shape)
    assert.equal(1, model[1].weights.moving_variance[1])
  end)

  it("keeps its digits far from zero", function() -- f32 sums of squares would lose all of them
    local far = ld.tensor { { 100000 }, { 100001 }, { 100002 } }
    local y = op.batch_norm(far, nil, nil, nil, nil, 0)
    assert.near(-math.sqrt(1.5), y:get(1, 1), 1e-6)
    assert.near(math.sqrt(1.5), y:get(3, 1), 1e-6)
  end)

  it("gives bit for bit the same from given moments", function()
    local a = ld.randn { 4, 3, 5 }
    local b = a:clone()
    a.requires_grad, b.requires_grad = true, true
    local m = op.moments(b)
    local w = ld.randn { 4, 3, 5 }
    local y, z = op.batch_norm(a), op.batch_norm(b, nil, nil, m[1], m[2], 1e-3, true)
    op.sum(y * w):backward()
    op.sum(z * w):backward()
    assert.same(flat(y), flat(z))
    assert.same(flat(a.grad), flat(b.grad))
  end)

  it("passes NaN on to its channel alone", function()
    local bad = ld.tensor { { 1, 0 / 0 }, { 2, 3 } }
    local y = op.batch_norm(bad)
    assert.is_true(y:get(2, 2) ~= y:get(2, 2))
    assert.is_true(y:get(2, 1) == y:get(2, 1))
  end)

  it("explains what is wrong", function()
    explains(error_of(built, nn.batch_norm { axis = 1 }, { 2 }), "batch_norm_1",
      "axis 1 besides the batch", "axes are 2..2")
    explains(error_of(nn.batch_norm, { momentm = 0.9 }), "did you mean 'momentum'")
    explains(error_of(nn.batch_norm, { flavor = "tf" }), "keras, torch")
    explains(error_of(nn.batch_norm, { momentum = 2 }), "argument 'momentum'", "<= 1")
    local model = built(nn.batch_norm { flavor = "torch" }, { 2 })
    explains(error_of(model, ld.ones { 1, 2 }, training), "layer 'batch_norm_1'",
      "more than one value per channel", "short batch")
    local ones = ld.ones { 2, 3 }
    explains(error_of(op.batch_norm, ones, ld.ones(2)), "gamma is [2], but x is [2 x 3]")
    explains(error_of(op.batch_norm, ones, nil, nil, ld.ones(3)), "given together")
    explains(error_of(op.batch_norm, ones, nil, nil, ld.ones(2), ld.ones(2)), "mean is [2]")
    explains(error_of(op.batch_norm, ld.ones(3)), "expected [batch x .. x channels]")
    explains(error_of(op.batch_norm, ones, ld.ones(3, "f64")), "gamma is f64, but x is f32")
    explains(error_of(op.batch_norm, ones, { epsilon = -1 }), "epsilon")
    explains(error_of(op.batch_norm, ones, { epsilom = 1 }), "unknown option 'epsilom'")
  end)
end)

describe("layer, group and RMS normalisation", function()
  it("have the parameters of the normalised axes", function()
    assert.equal(8, built(nn.layer_norm(), { 3, 4 }):count())
    assert.equal(24, built(nn.layer_norm { { 2, 3 } }, { 3, 4 }):count())
    assert.equal(0, built(nn.layer_norm { center = false, scale = false }, { 3, 4 }):count())
    assert.equal(4, built(nn.rms_norm(), { 3, 4 }):count())
    assert.equal(64, built(nn.group_norm(), { 5, 32 }):count())
    assert.equal(8, built(nn.group_norm(2), { 5, 4 }):count())
  end)

  it("have the epsilon of their framework", function()
    assert.equal(1e-3, built(nn.layer_norm(), { 2 })[1].epsilon)
    assert.equal(1e-5, built(nn.layer_norm { flavor = "torch" }, { 2 })[1].epsilon)
    assert.equal(1e-5, built(nn.group_norm { 1, flavor = "torch" }, { 2 })[1].epsilon)
    for dtype, epsilon in pairs { f32 = 2 ^ -23, f64 = 2 ^ -52 } do -- torch.finfo(...).eps
      local tiny = ld.full({ 1, 2 }, 1e-4, dtype)
      local y = built(nn.rms_norm { flavor = "torch" }, { 2 }, { dtype = dtype })(tiny)
      assert.near(1e-4 / math.sqrt(1e-8 + epsilon), y:get(1, 1), 1e-6)
    end
  end)

  it("do the same in training and outside it", function()
    local x = ld.randn { 2, 3, 4 }
    for _, description in ipairs { nn.layer_norm(), nn.rms_norm(), nn.group_norm(2) } do
      local model = built(description, { 3, 4 })
      assert.same(flat(model(x)), flat(model(x, training)))
    end
  end)

  it("normalise each sample alone", function()
    local x = ld.randn { 3, 2, 4 }
    for _, description in ipairs { nn.layer_norm(), nn.rms_norm(), nn.group_norm(2) } do
      local model = built(description, { 2, 4 })
      assert.same(flat(model(x)[2]), flat(model(x:slice(1, 2, 2))))
    end
  end)

  it("explain what is wrong", function()
    explains(error_of(built, nn.group_norm(), { 8 }), "layer 'group_norm_1'",
      "8 channels do not divide into 32 groups", "[batch, features 8]")
    explains(error_of(nn.group_norm, 0), "argument 'groups'", "-1 for one group per channel")
    explains(error_of(built, nn.layer_norm(4), { 3, 4 }), "axis 4 besides", "axes are 2..3")
    explains(error_of(built, nn.layer_norm { { 2, -2 } }, { 3, 4 }), "every axis once")
    explains(error_of(op.layer_norm, ld.ones { 2, 3 }, ld.ones(2)), "gamma is [2]", "axis 2")
    explains(error_of(op.layer_norm, ld.ones { 2, 3, 4 }, ld.ones(4), nil, { axis = 2 }),
      "the axes from 2 on")
    explains(error_of(op.group_norm, ld.ones { 2, 4 }, nil, nil, { groups = 3 }),
      "a divisor of the 4 channels, got 3")
  end)
end)
