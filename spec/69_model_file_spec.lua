-- A saved model answers the same bits elsewhere; what is damaged or cannot be held is said.
local ld = require "lossdbg"
local core = require "lossdbg.core"
local nn = ld.nn

local function same_bits(a, b)
  assert.same(a.shape, b.shape)
  assert.equal(core.io.raw(a:contiguous()), core.io.raw(b:contiguous()))
end

local function rows(n, ...)
  return ld.randn { n, ... }
end

local models = {
  ["dense layers with every kind of option"] = function()
    return nn.sequential {
      nn.dense { 8, "relu", init = { "random_normal", stddev = 0.1 }, l2 = 1e-3, name = "first",
        kernel_constraint = { "max_norm", max_value = 2 } },
      nn.dropout(0.5), nn.batch_norm(),
      nn.dense { 8, { "leaky_relu", slope = 0.3 }, kernel_regularizer = ld.regularizer.l1(0.01),
        bias_init = ld.init.constant(0.5) },
      nn.layer_norm(), nn.dense { 3, "softmax" },
    }:build({ 5 }, { seed = 4 }), rows(7, 5)
  end,
  ["convolutions in a residual block"] = function()
    return nn.sequential {
      nn.conv2d { 4, 3, padding = "same", activation = "relu" },
      nn.residual { nn.conv2d { 6, 3, padding = "same" }, shortcut = nn.conv2d { 6, 1 } },
      nn.max_pool2d(2), nn.flatten(), nn.dense(2),
    }:build({ 6, 6, 1 }, { seed = 2 }), rows(3, 6, 6, 1)
  end,
  ["recurrent layers in both directions"] = function()
    return nn.sequential {
      nn.bidirectional { nn.lstm { 3, return_sequences = true } },
      nn.time_distributed(nn.dense { 4, "tanh" }), nn.gru(5), nn.dense(1),
    }:build({ 6, 2 }, { seed = 1 }), rows(4, 6, 2)
  end,
  ["a graph with a shared layer and two outputs"] = function()
    local a, b = nn.input { 4, name = "a" }, nn.input { 4, name = "b" }
    local shared = nn.dense { 3, "relu" }
    local joined = nn.concat { shared(a), shared(b) }
    return nn.graph { inputs = { left = a, right = b },
      outputs = { class = nn.dense { 2, "softmax" }(joined), score = nn.dense(1)(joined) },
    }:build { seed = 5 }, { left = rows(6, 4), right = ld.randn { 6, 4 } }
  end,
  ["f64 weights with given statistics"] = function()
    return nn.sequential {
      nn.normalization { mean = { 1, 2 }, variance = ld.tensor({ 4, 9 }, "f64") },
      nn.dense(2),
    }:build({ 2 }, { dtype = "f64", seed = 9 }), rows(5, 2):cast "f64"
  end,
}

local function other_process(path, data, threads)
  local script = os.tmpname()
  local f = assert(io.open(script, "w"))
  f:write(([[
    local ld = require "lossdbg"
    ld.threads(%d)
    local model = assert(ld.load(%q))
    local x = assert(ld.safetensors.load(%q)).x
    io.write(require("lossdbg.core").io.raw(model:predict(x):contiguous()))]]):format(threads, path,
    data))
  f:close()
  local pipe = assert(io.popen(("%s '%s'"):format(os.getenv "LUA" or "lua5.4", script)))
  local bytes = pipe:read "a"
  assert.is_true((pipe:close()))
  os.remove(script)
  return bytes
end

describe("a saved model", function()
  local path, data
  before_each(function() path, data = os.tmpname(), os.tmpname() end)
  after_each(function()
    os.remove(path)
    os.remove(data)
  end)

  for name, make in pairs(models) do
    it("answers the same bits: " .. name, function()
      local model, x = make()
      for _, entry in ipairs(model:state()) do assert.is_string(entry.name) end
      assert.is_true(model:save(path))
      local twin = assert(ld.load(path))
      assert.equal(#model:state(), #twin:state())
      local y, z = model:predict(x), twin:predict(x)
      if core.tensor.is_tensor(y) then return same_bits(y, z) end
      local outputs = 0
      for key in pairs(y) do
        same_bits(y[key], z[key])
        outputs = outputs + 1
      end
      assert.equal(2, outputs)
    end)
  end

  it("answers the same bits in another process, on one thread and on two", function()
    local model, x = models["dense layers with every kind of option"]()
    assert.is_true(model:save(path))
    assert.is_true(ld.safetensors.save(data, { x = x }))
    local bytes = core.io.raw(model:predict(x):contiguous())
    assert.equal(7 * 3 * 4, #bytes)
    for threads = 1, 2 do assert.equal(bytes, other_process(path, data, threads)) end
  end)

  it("keeps what a normalization has learnt, in its state and in the file", function()
    local x = ld.tensor { { 10, 0.5 }, { 20, 0.7 }, { 60, 0.9 } }
    local model = nn.sequential { nn.normalization { adapt = true }, nn.dense { 3, "softmax" } }
      :build({ 2 }, { adapt = x, seed = 1 })
    local names = {}
    for _, entry in ipairs(model:state()) do names[entry.name] = entry.tensor:totable() end
    assert.same({ { 30, 0.70 } }, { { names["normalization_1/mean"][1][1],
      tonumber(("%.2f"):format(names["normalization_1/mean"][1][2])) } })
    assert.is_true(model:save(path))
    same_bits(model:predict(x), assert(ld.load(path)):predict(x))
  end)

  it("keeps frozen layers frozen and trains on", function()
    local model = nn.sequential { nn.dense { 4, name = "base" }, nn.dense(1) }:build { 2 }
    model:freeze "base"
    assert.is_true(model:save(path))
    local twin = assert(ld.load(path))
    assert.is_false(twin:layer("base").trainable)
    assert.is_true(twin:layer("dense_1").trainable)
    assert.equal(5, twin:count(true))
  end)

  it("of a run answers with the classes and units of its data", function()
    local x, y = {}, {}
    for i = 1, 40 do
      x[i] = { i % 2 == 0 and 1 or -1, i / 40 }
      y[i] = i % 2
    end
    local train = ld.data.arrays { x, ld.tensor(y, "i32"), classes = { "even", "odd" } }
    local run = ld.experiment { train = train, model = nn.sequential { nn.dense { 1, "sigmoid" } },
      loss = "binary_crossentropy", optimizer = ld.optim.adam { lr = 0.1 }, epochs = 30,
      seed = 1 }:fit { verbose = 0 }
    assert.is_true(run:save(path))
    local model = assert(ld.load(path))
    assert.same({ "even", "odd", "even" },
      model:predict_classes { { 1, 0.5 }, { -1, 0.5 }, { 1, 0.1 } })
    assert.equal("odd", model:predict_classes { -1, 0.2 })
    same_bits(run:predict(x), model:predict(x))
  end)

  it("of a run with standardised targets answers in their units", function()
    local x, y = {}, {}
    for i = 1, 32 do
      x[i] = { i / 32 }
      y[i] = { 1000 + 500 * i / 32 }
    end
    local run = ld.experiment { train = { x, y }, model = nn.sequential { nn.dense(1) },
      loss = "mse", optimizer = ld.optim.adam { lr = 0.1 }, epochs = 100, target = "standardize",
      seed = 1 }:fit { verbose = 0 }
    assert.is_true(run:save(path))
    local model = assert(ld.load(path))
    assert.near(1250, model:predict({ { 0.5 } }):item(), 25) -- the line itself: 1000 + 500 x
    same_bits(run:predict(x), model:predict(x))
    assert.is_true(model:save(path))
    same_bits(run:predict(x), assert(ld.load(path)):predict(x))
  end)
end)

describe("predicting classes", function()
  it("gives ids that count from 0, and one for a single row", function()
    local model = nn.sequential { nn.dense { 3, init = "identity", bias = false } }:build { 3 }
    assert.same({ 2, 0, 1 }, model:predict_classes { { 0, 1, 5 }, { 3, 1, 2 }, { 0, 9, 2 } })
    assert.equal(1, model:predict_classes { 0, 9, 2 })
    assert.same({ 3 }, model:predict({ 0, 9, 2 }).shape)
  end)

  it("asks for a threshold where one output may be a logit or a probability", function()
    local plain = nn.sequential { nn.dense { 1, init = "ones", bias = false } }:build { 1 }
    local ok, why = pcall(plain.predict_classes, plain, { { 0.3 } })
    assert.is_false(ok)
    assert.matches("model:predict_classes: argument 'threshold': one output and no sigmoid", why,
      1, true)
    assert.same({ 1, 0 }, plain:predict_classes({ { 0.3 }, { -0.3 } }, { threshold = 0 }))
    local sigmoid = nn.sequential { nn.dense { 1, "sigmoid", init = "ones", bias = false } }
      :build { 1 }
    assert.same({ 1, 0 }, sigmoid:predict_classes { { 0.3 }, { -0.3 } })
  end)
end)

describe("a model file", function()
  local path
  before_each(function() path = os.tmpname() end)
  after_each(function() os.remove(path) end)

  local function bytes_of(model)
    assert.is_true(model:save(path))
    local f = assert(io.open(path, "rb"))
    local bytes = f:read "a"
    f:close()
    return bytes
  end

  local function put(bytes)
    local f = assert(io.open(path, "wb"))
    f:write(bytes)
    f:close()
  end

  it("is refused with any one bit flipped, and cut anywhere", function()
    local bytes = bytes_of(nn.sequential { nn.dense { 2, "relu" } }:build { 2 })
    local tried = 0
    for at = 1, #bytes do
      local bit = 1 << (at % 8)
      put(bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ bit) .. bytes:sub(at + 1))
      local model, why = ld.load(path)
      assert(model == nil and type(why) == "string",
        ("bit %d of byte %d of %d was flipped unnoticed"):format(at % 8, at, #bytes))
      tried = tried + 1
    end
    assert.equal(#bytes, tried)
    for size = 0, #bytes - 1, 7 do
      put(bytes:sub(1, size))
      assert.is_nil((ld.load(path)))
    end
  end)

  it("of another form, kind or version says which", function()
    local model = nn.sequential { nn.dense(2) }:build { 2 }
    assert.is_true(ld.safetensors.save(path, { x = ld.zeros { 2 } }))
    local none, why = ld.load(path)
    assert.is_nil(none)
    assert.equal(path .. ": not a model of lossdbg", why)
    local header = { version = 99 }
    assert.is_true(ld.safetensors.save(path, {}, { format = "lossdbg.model",
      model = require("lossdbg.support.json").encode(header) }, true))
    none, why = ld.load(path)
    assert.is_nil(none)
    assert.matches("a model of form 99, this version reads 1", why, 1, true)
    none, why = ld.load(path .. ".none")
    assert.is_nil(none)
    assert.matches("No such file", why, 1, true)
    assert.equal("lossdbg.model", getmetatable(model).__name)
  end)

  it("cannot hold functions, and says whose", function()
    local model = nn.sequential { nn.dense { 2, function(x) return x end, name = "odd" } }
      :build { 2 }
    local ok, why = model:save(path)
    assert.is_nil(ok)
    assert.matches("'model layer 1 (odd).activation' is a function: no file can hold it", why, 1,
      true)
  end)

  it("that describes nonsense is refused with the reason", function()
    local json = require "lossdbg.support.json"
    local layer = { ["$layer"] = { kind = "dense", options = { units = 2 } } }
    local base = { version = 1, dtype = "f32", seed = 0, input_shape = { 2 },
      frozen = json.array(), states = json.object {} }
    local deep = layer
    for _ = 1, 40 do
      deep = { ["$block"] = { kind = "sequential", options = json.object {}, layers = { deep } } }
    end
    local block = function(layers)
      return { ["$block"] = { kind = "sequential", options = json.object {}, layers = layers } }
    end
    local graph = { ["$block"] = { kind = "graph", options = json.object {}, layers = { layer },
      inputs = { { name = "a", shape = { 2 }, id = 1 } }, outputs = { { id = 2 } },
      calls = { { layer = 1, from = { 7 }, to = { 2 } } } } }
    for want, description in pairs {
      ["nested deeper than 32"] = deep,
      ["unknown layer kind \"evil\""] = block {
        { ["$layer"] = { kind = "evil", options = json.object {} } } },
      ["unknown option 'unitz'"] = block {
        { ["$layer"] = { kind = "dense", options = { unitz = 2 } } } },
      ["'$code' is unknown here"] = block { { ["$code"] = json.object {} } },
      ["a block holds something that is no layer"] = block { "dense", 3 },
      ["the file describes no model"] = json.array { 1 },
      ["call 1 of a graph is malformed"] = graph,
      ["0 tensors, the model has 2"] = block { layer },
    } do
      base.description = description
      assert.is_true(ld.safetensors.save(path, {}, { format = "lossdbg.model",
        model = json.encode(base) }, true))
      local model, why = ld.load(path)
      assert.is_nil(model)
      assert.matches(want, why, 1, true)
    end
  end)
end)
