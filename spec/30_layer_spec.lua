-- Layers and built models: values against NumPy (float64, written as literals), shapes, paths,
-- initial weights, freezing, cloning, messages.
local ld = require "lossdbg"
local nn = ld.nn

local function near(expected, tensor, tolerance)
  local flat = tensor:reshape({ tensor.numel }):totable()
  assert.equal(#expected, #flat)
  for i, value in ipairs(expected) do assert.near(value, flat[i], tolerance or 1e-6) end
end

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

local function set(model, path, kernel, bias)
  local layer = model:layer(path)
  layer.weights.kernel:copy_(ld.tensor(kernel, model.dtype))
  if bias then layer.weights.bias:copy_(ld.tensor(bias, model.dtype)) end
end

local function same_bits(a, b)
  assert.same(a:totable(), b:totable())
end

-- numpy: x @ w + b with x, w, b below
local x = { { 1, -2, 0.5 }, { 0, 3, -1 } }
local kernel, bias = { { 0.1, -0.2 }, { 0.4, 0.5 }, { -0.3, 0.6 } }, { 0.05, -0.15 }

describe("dense", function()
  local expected = {
    linear = { -0.8, -1.05, 1.55, 0.75 },
    relu = { 0, 0, 1.55, 0.75 },
    sigmoid = { 0.31002551887238755, 0.25922510081784605, 0.8249137318359602, 0.679178699175393 },
    softmax = { 0.5621765008857981, 0.43782349911420193, 0.6899744811276125, 0.31002551887238744 },
  }
  for name, values in pairs(expected) do
    it("computes f(x w + b) with " .. name, function()
      local model = nn.sequential { nn.dense { 2, name } }:build({ 3 }, { dtype = "f64" })
      set(model, "dense_1", kernel, bias)
      near(values, model(ld.tensor(x, "f64")), 1e-12)
    end)
  end

  it("gives the same with the activation as a layer of its own, and with taps", function()
    for _, name in ipairs { "relu", "tanh", "gelu", "softmax", "leaky_relu", "exponential" } do
      local one = nn.sequential { nn.dense { 2, name } }:build { 3 }
      local two = nn.sequential { nn.dense(2), nn.activation(name) }:build { 3 }
      local seen = {}
      local tapped = one:forward(ld.tensor(x), {
        tap = function(_, when) seen[#seen + 1] = when end,
      })
      near(two(ld.tensor(x)):reshape({ 4 }):totable(), one(ld.tensor(x)))
      near(tapped:reshape({ 4 }):totable(), one(ld.tensor(x)))
      assert.same({ "before", "after" }, seen)
    end
  end)

  it("takes parameters of activations", function()
    local model = nn.sequential { nn.dense { 2, { name = "leaky_relu", slope = 0.3 } } }
      :build({ 3 }, { dtype = "f64" })
    set(model, "dense_1", kernel, bias)
    near({ -0.24, -0.315, 1.55, 0.75 }, model(ld.tensor(x, "f64")), 1e-12)
    local layer = nn.sequential { nn.dense(2), nn.activation { "leaky_relu", slope = 0.3 } }
      :build({ 3 }, { dtype = "f64" })
    set(layer, "dense_1", kernel, bias)
    near({ -0.24, -0.315, 1.55, 0.75 }, layer(ld.tensor(x, "f64")), 1e-12)
  end)

  it("works without a bias and on the last axis of more", function()
    local model = nn.sequential { nn.dense { 2, bias = false } }:build { 4, 3 }
    assert.same({ 4, 2 }, model.output_shape)
    assert.equal(6, model:count())
    local y = model(ld.ones { 5, 4, 3 })
    assert.same({ 5, 4, 2 }, y.shape)
  end)

  it("starts with glorot_uniform kernels and zero biases", function()
    local model = nn.sequential { nn.dense(300) }:build { 400 }
    local weights = model[1].weights
    local bound = 0.0925820100 -- sqrt(6 / 700), api.md 1.3
    assert.is_true(weights.kernel:abs():max():item() <= bound)
    assert.near(bound / math.sqrt(3), math.sqrt(weights.kernel:var():item()), 1e-3)
    assert.equal(0, weights.bias:abs():max():item())
  end)
end)

describe("shape layers", function()
  it("flatten, reshape and rescale", function()
    local model = nn.sequential { nn.rescale { 2, 1 }, nn.flatten(), nn.reshape { 3, -1 } }
      :build { 2, 3 }
    assert.same({ 3, 2 }, model.output_shape)
    local y = model(ld.tensor { { { 1, 2, 3 }, { 4, 5, 6 } } })
    assert.same({ { { 3, 5 }, { 7, 9 }, { 11, 13 } } }, y:totable())
  end)

  it("say what does not fit", function()
    local message = error_of(function() nn.sequential { nn.reshape { 4, -1 } }:build { 6 } end)
    assert.matches("layer 'reshape_1'", message, 1, true)
    assert.matches("a multiple of 4 values a sample", message, 1, true)
    assert.matches("[batch, features 6]", message, 1, true)
  end)

  it("lambda finds its output shape", function()
    local model = nn.sequential { nn.lambda(function(t) return t:mean(2) end) }:build { 5, 3 }
    assert.same({ 3 }, model.output_shape)
    assert.same({ { 2, 2, 2 } }, model(ld.full({ 1, 5, 3 }, 2)):totable())
    local message = error_of(function()
      nn.sequential { nn.lambda(function(t) return t:sum() end) }:build { 3 }
    end)
    assert.matches("one row a sample", message, 1, true)
  end)
end)

describe("dropout", function()
  local function mask(options)
    local model = nn.sequential { nn.dropout(0.4) }:build({ 1000 }, { seed = options.seed })
    return model(ld.ones { 20, 1000 }, { training = true, step = options.step })
  end

  it("does nothing outside training", function()
    local model = nn.sequential { nn.dropout(0.4) }:build { 4 }
    assert.same({ { 1, 1, 1, 1 } }, model(ld.ones { 1, 4 }):totable())
  end)

  it("keeps the mean: zeros, and the rest divided by 1 - rate", function()
    local y = mask { seed = 1, step = 1 }
    local zeros = y:eq(0):cast("f64"):mean():item()
    -- 20000 draws: 5 standard errors of a share of 0.4 are 0.0173
    assert.near(0.4, zeros, 0.0173)
    assert.near(1 / 0.6, y:max():item(), 1e-6)
  end)

  it("draws by seed and step alone", function()
    same_bits(mask { seed = 1, step = 3 }, mask { seed = 1, step = 3 })
    assert.is_false(ld.allclose(mask { seed = 1, step = 3 }, mask { seed = 1, step = 4 }))
    assert.is_false(ld.allclose(mask { seed = 1, step = 3 }, mask { seed = 2, step = 3 }))
  end)

  it("has the edges 0 and 1", function()
    local none = nn.sequential { nn.dropout(0) }:build { 3 }
    assert.same({ { 1, 1, 1 } }, none(ld.ones { 1, 3 }, { training = true }):totable())
    local all = nn.sequential { nn.dropout(1) }:build { 3 }
    assert.same({ { 0, 0, 0 } }, all(ld.ones { 1, 3 }, { training = true }):totable())
  end)
end)

describe("sequential", function()
  local function sample()
    return nn.sequential {
      nn.dense { 4, "relu" },
      nn.sequential { name = "block", nn.dense(4), nn.dropout(0.5) },
      nn.dense { 2, name = "head" },
    }
  end

  it("is plain data that knows its lines", function()
    local line = debug.getinfo(1, "l").currentline
    local description = sample()
    assert.equal("dense", description[1].kind)
    assert.equal(4, description[1].options.units)
    assert.matches("30_layer_spec.lua:" .. line - 7 .. "$", description[1].source)
    assert.matches("30_layer_spec.lua:" .. line - 6 .. "$", description[2][1].source)
  end)

  it("flattens blocks into paths", function()
    local model, paths = sample():build { 3 }, {}
    for i, layer in ipairs(model:layers()) do paths[i] = layer.path end
    assert.same({ "dense_1", "block/dense_1", "block/dropout_1", "head" }, paths)
    assert.equal(4, #model)
    assert.equal("head", model[4].path)
    local names = {}
    for name in model:parameters() do names[#names + 1] = name end
    assert.same({ "dense_1/kernel", "dense_1/bias", "block/dense_1/kernel", "block/dense_1/bias",
      "head/kernel", "head/bias" }, names)
    assert.equal(3 * 4 + 4 + 4 * 4 + 4 + 4 * 2 + 2, model:count())
  end)

  it("starts from weights that depend on seed and path alone", function()
    local plain = nn.sequential { nn.dense { 4, "relu" }, nn.dense(2) }
    local patched = nn.sequential { nn.normalization(), nn.dense { 4, "tanh" }, nn.dropout(0.5),
      nn.dense(2) }
    local a, b = plain:build({ 3 }, { seed = 5 }), patched:build({ 3 }, { seed = 5 })
    same_bits(a:layer("dense_1").weights.kernel, b:layer("dense_1").weights.kernel)
    same_bits(a:layer("dense_2").weights.kernel, b:layer("dense_2").weights.kernel)
    local c = plain:build({ 3 }, { seed = 6 })
    assert.is_false(ld.allclose(a[1].weights.kernel, c[1].weights.kernel))
  end)

  it("freezes and unfreezes layers and blocks", function()
    local model = sample():build { 3 }
    model:freeze "block"
    assert.is_false(model:layer("block/dense_1").trainable)
    assert.is_false(model:layer("block/dense_1").weights.kernel.requires_grad)
    assert.equal(16 + 10, model:count(true))
    model(ld.ones { 2, 3 }):sum():backward()
    assert.is_nil(model:layer("block/dense_1").weights.kernel.grad)
    assert.is_not_nil(model:layer("head").weights.kernel.grad)
    model:freeze()
    assert.equal(0, model:count(true))
    model:unfreeze()
    assert.equal(model:count(), model:count(true))
    assert.matches("did you mean 'head'", error_of(model.freeze, model, "haed"), 1, true)
  end)

  it("clones deeply", function()
    local model = sample():build { 3 }
    local twin = model:clone()
    twin[1].weights.kernel:fill_(0)
    assert.is_true(model[1].weights.kernel:abs():max():item() > 0)
    same_bits(model[4].weights.kernel, twin[4].weights.kernel)
    assert.is_true(twin[4].weights.kernel.requires_grad)
  end)

  it("saves and restores its weights in memory, all or nothing", function()
    local model = sample():build { 3 }
    local state, y = model:state(), model(ld.ones { 1, 3 })
    for _, p in model:parameters() do p:fill_(0) end
    model:load_state(state)
    same_bits(y, model(ld.ones { 1, 3 }))
    state[#state].name = "tail/bias"
    for _, p in model:parameters() do p:fill_(7) end
    assert.matches("'tail/bias' is not in this model", error_of(model.load_state, model, state), 1,
      true)
    assert.equal(7, model[1].weights.bias[1])
  end)

  it("changes to f64", function()
    local model = sample():build { 3 }
    local before = model(ld.ones { 1, 3 })
    model:to "f64"
    local after = model(ld.ones { 1, 3 })
    assert.equal("f64", after.dtype)
    near(before:reshape({ 2 }):totable(), after, 1e-6)
  end)

  it("predicts batch by batch what it computes at once", function()
    local model = sample():build { 3 }
    local rows = ld.rand { 700, 3 }
    local whole, parts = model(rows), model:predict(rows, { batch = 32 })
    assert.same({ 700, 2 }, parts.shape)
    assert.is_true(ld.allclose(whole, parts, 1e-5, 1e-6)) -- BLAS may block batches otherwise
  end)

  it("shows a table of its layers", function()
    local text = sample():build({ 3 }):summary()
    assert.matches("dense_1 +relu +%[4%] +16", text)
    assert.matches("46 parameters, 46 trainable, f32", text, 1, true)
  end)
end)

describe("messages of layers", function()
  it("name the layer, both shapes and a cause", function()
    local model = nn.sequential { nn.dense { 4, "relu" } }:build { 13 }
    local message = error_of(model, ld.ones { 5, 12 })
    assert.matches("layer 'dense_1' (written in ", message, 1, true)
    assert.matches("expected input [batch, features 13], got [batch, features 12]", message, 1,
      true)
    assert.matches("built for 13 features, the data has 12", message, 1, true)
    assert.matches("a single sample without the batch axis", error_of(model, ld.ones(13)), 1, true)
    local image = nn.sequential { nn.flatten(), nn.dense(2) }:build { 28, 28 }
    assert.matches("same number of values: put nn.reshape { 28, 28 } first",
      error_of(image, ld.ones { 2, 784 }), 1, true)
  end)

  it("suggest what was meant", function()
    assert.matches("unknown option 'unit'; did you mean 'units'",
      error_of(nn.dense, { unit = 3 }), 1, true)
    assert.matches("unknown activation \"rleu\"; did you mean 'relu'",
      error_of(nn.dense, { 3, "rleu" }), 1, true)
    local holed = { nn.dense(2), nil, nn.dense(3) }
    assert.matches("layer 2 of 3 is nil", error_of(nn.sequential, holed), 1, true)
    assert.matches("expected a number >= 0 and <= 1, got 1.5", error_of(nn.dropout, 1.5), 1, true)
  end)

  it("refuse two layers of one name and shapes of no size", function()
    local twice = nn.sequential { nn.dense { 2, name = "a" }, nn.dense { 2, name = "a" } }
    assert.matches("two layers are called 'a'", error_of(twice.build, twice, { 3 }), 1, true)
    assert.matches("positive integers", error_of(twice.build, twice, { 0 }), 1, true)
    assert.matches("the model is empty",
      error_of(function() nn.sequential({}):build { 3 } end), 1, true)
  end)
end)
