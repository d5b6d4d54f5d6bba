-- Programs of Keras. The models, weights and predictions in spec/support/keras were written by
-- Keras 3 and Keras 2 (make.py there).
local ld = require "lossdbg"
local json = require "lossdbg.support.json"

local keras = ld.interop.keras
local folder = "spec/support/keras/"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local expected = assert(json.decode(read(folder .. "expected.json")))

local function near(wanted, got, tolerance)
  assert.are.equal(#wanted, #got)
  for i, value in ipairs(wanted) do
    if type(value) == "table" then
      near(value, got[i], tolerance)
    else
      assert.is_true(math.abs(value - got[i]) <= tolerance * math.max(1, math.abs(value)),
        ("expected %.9g, got %.9g"):format(value, got[i]))
    end
  end
end

local two = ld.tensor { { 1, 2, 3, 4 }, { 0, -1, 0.5, 2 } }

describe("interop.keras: what Keras writes", function()
  local inputs = {
    sequential = two, residual = two,
    chain = ld.linspace(-1, 1, 72):reshape { 2, 6, 6, 1 },
    recurrent = ld.linspace(-1, 1, 20):reshape { 2, 5, 2 },
    sequential2 = ld.tensor { { 1, 2 }, { -1, 0.5 } },
    shared2 = { ld.tensor { { 1, 2, 3 } }, ld.tensor { { 0, -1, 1 } } },
  }
  for name, x in pairs(inputs) do
    it("predicts what Keras predicts: " .. name, function()
      local program = assert(keras.read(folder .. name .. ".json",
        { weights = folder .. name .. ".npz" }))
      near(expected[name].y, program:build()(x):totable(), 2e-6)
    end)
  end

  it("reads .keras archives, with weights of .npz or safetensors beside them", function()
    for _, kind in ipairs { ".npz", ".safetensors" } do
      local program = assert(keras.read(folder .. "sequential.keras",
        { weights = folder .. "sequential" .. kind }))
      near(expected.sequential.y, program:build()(two):totable(), 2e-6)
    end
  end)

  it("keeps what was compiled", function()
    local program = assert(keras.read(folder .. "sequential.json"))
    assert.are.equal("sparse_crossentropy", program.loss.name)
    assert.are.same({ name = "sgd", lr = 0.05, momentum = 0.9, nesterov = true },
      program.optimizer)
    assert.are.same({ "accuracy" }, program.metrics)
    assert.are.same({ 4 }, program.input_shape)

    program = assert(keras.read(folder .. "chain.json"))
    assert.are.equal(0.1, program.loss.label_smoothing)
    assert.are.equal("adam", program.optimizer.name)
    assert.are.equal(1e-7, program.optimizer.epsilon)
    near({ 0.01, 0.009 }, { program.optimizer.lr(0), program.optimizer.lr(100) }, 1e-12)
    assert.are.same({ "mae" }, program.metrics)
    assert.are.same({ "metric auc" }, program.ignored)

    program = assert(keras.read(folder .. "recurrent.json"))
    assert.are.equal("huber", program.loss.name)
    assert.are.equal("rmsprop", program.optimizer.name)
  end)

  it("takes the compile_config of Keras 2 beside the model, its decay as a schedule", function()
    local program = assert(keras.read(folder .. "sequential2.json",
      { compile_config = read(folder .. "sequential2.compile.json") }))
    near({ 0.1, 0.05 }, { program.optimizer.lr(0), program.optimizer.lr(100) }, 1e-12)
  end)

  it("makes an experiment with the names of the layers, from the weights", function()
    local program = assert(keras.read(folder .. "sequential.json",
      { weights = folder .. "sequential.npz" }))
    local e = program:experiment { train = { ld.randn { 40, 4 }, ld.zeros(40, "i32") },
      epochs = 2, batch = 8 }
    local d = e:description()
    assert.are.equal("dense_1", d.layers[3].path)
    assert.are.equal("he_normal", d.layers[1].init)
    near(expected.sequential.y, e:build()(two):totable(), 2e-6)
    assert.are.equal(10, e:fit({ verbose = 0 }).n_steps)
  end)
end)

-- Message of a program that is not understood.
local function refused(bytes, o)
  local program, message = keras.parse(bytes, o)
  assert.is_nil(program)
  assert.are.equal("string", type(message))
  return message
end

describe("interop.keras: what cannot be read", function()
  local text = read(folder .. "sequential.json")

  it("names file, layer and key", function()
    assert.matches("no_such.keras", select(2, keras.read "no_such.keras"))
    assert.matches("line 1", refused "{")
    assert.matches("'dense' %(Dens%): 'layer'", refused((text:gsub('"Dense"', '"Dens"', 1))))
    assert.matches("'shininess'", refused((text:gsub('"units": 8', '"units": 8, "shininess": 2'))))
    assert.matches("'kernel_constraint'", refused((text:gsub('"kernel_constraint": null',
      '"kernel_constraint": {"class_name": "Tidy", "config": {}}', 1))))
    assert.matches("mixed_float16", refused((text:gsub('"name": "float32"',
      '"name": "mixed_float16"'))))
    assert.matches("'units'", refused((text:gsub('"units": 8', '"units": -8'))))
    assert.matches("unknown loss", refused((text:gsub("sparse_categorical_crossentropy", "luck"))))
    assert.matches("unknown activation", refused((text:gsub('"softmax"', '"hardmax"'))))
    assert.matches("'use_ema'", refused((text:gsub('"use_ema": false', '"use_ema": true'))))
    assert.matches("'class_name'", refused '{"class_name": "MyModel", "config": {}}')
    assert.matches("'class_name'", refused "[1, 2]")
    assert.matches("'layers'", refused '{"class_name": "Sequential", "config": {"layers": []}}')
  end)

  it("refuses graphs with a hole or a cycle", function()
    local graph = read(folder .. "residual.json")
    assert.matches("'inbound_nodes'", refused((graph:gsub('"keras_history": %["dense',
      '"keras_history": ["nobody', 1))))
    assert.matches("cycle", refused((graph:gsub('"keras_history": %["input_layer_2"',
      '"keras_history": ["add"', 2))))
  end)

  it("says what is wrong with weights", function()
    local npz = read(folder .. "sequential.npz")
    assert.matches("savez_compressed", refused(text,
      { weights = read(folder .. "compressed.npz") }))
    assert.matches("directory", refused(text, { weights = npz:sub(1, 400) }))
    assert.matches("checksum", refused(text, { weights = npz:sub(1, 300) .. "~" .. npz:sub(302) }))
    assert.matches("weights", refused(text, { weights = "weights" }))
    local program = assert(keras.parse(text, { weights = read(folder .. "chain.npz") }))
    assert.has_error(function() program:build() end,
      "lossdbg: interop.keras: weights: nothing for 'dense/kernel'")
    program = assert(keras.parse(text, { weights = read(folder .. "residual.npz") }))
    assert.has_error(function() program:build() end,
      "lossdbg: interop.keras: weights: 'dense/kernel': expected shape [4, 8], got [4, 4]")
  end)

  it("refuses an archive cut anywhere, and one without a configuration", function()
    local bytes = read(folder .. "sequential.keras")
    for size = 2, #bytes - 1, 997 do refused(bytes:sub(1, size)) end
    assert.matches("config.json", refused(read(folder .. "sequential.npz")))
  end)
end)
