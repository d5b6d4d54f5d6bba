-- Folders that the recorders of examples/keras and examples/torch wrote (spec/support/recorded,
-- make.py there): rows in file order, first weights beside them, so that every loss comes again.
local ld = require "lossdbg"
local json = require "lossdbg.support.json"

local folder = "spec/support/recorded/"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local function near(wanted, got, tolerance, what)
  assert.equal(#wanted, #got, what)
  for i, value in ipairs(wanted) do
    assert.near(value, got[i], tolerance * math.max(1, math.abs(value)), ("%s %d"):format(what, i))
  end
end

-- A folder of its own with some files of another; nil leaves one out.
local function copied(from, files)
  local at = os.tmpname()
  os.remove(at)
  assert(os.execute(("mkdir -p '%s'"):format(at)))
  for name, text in pairs(files) do
    local file = assert(io.open(at .. "/" .. name, "wb"))
    file:write(text == true and read(folder .. from .. "/" .. name) or text)
    file:close()
  end
  return at
end

describe("interop.recorded_program: the curve that Keras recorded comes again", function()
  -- plateau: class weights, L2, MaxNorm, batch norm, ReduceLROnPlateau, EarlyStopping, validation
  -- softmax_unit: sample weights; TensorFlow takes the logits of the softmax for a sigmoid's
  -- two_inputs: a nested model, a frozen layer, a schedule, Huber with its delta
  for name, keys in pairs { plateau = { "loss", "val_loss", "accuracy", "val_accuracy" },
    softmax_unit = { "loss", "accuracy" }, two_inputs = { "loss" } } do
    it("in " .. name, function()
      local program = assert(ld.interop.recorded_program(folder .. name))
      local run = program.experiment:fit { verbose = 0 }
      for _, key in ipairs(keys) do near(program.history[key], run.history[key], 3e-5, key) end
    end)
  end

  -- batch norm, Adam with PyTorch's decay, label smoothing; the model is the graph of torch.fx
  it("and the one of a PyTorch loop, from the losses of its steps", function()
    local program = assert(ld.interop.recorded_program(folder .. "torch_mlp"))
    local run = program.experiment:fit { verbose = 0 }
    near(program.history.loss, run.history.loss, 1e-5, "loss")
    local k = 0
    for loss in read(folder .. "torch_mlp/steps.csv"):gmatch "\n%d+,([^,]+)" do
      k = k + 1
      assert.near(tonumber(loss), run.steps.loss[k], 1e-5)
    end
    assert.equal(24, k)
    assert.equal("torch", program.framework)
  end)

  it("with the rates that ReduceLROnPlateau set", function()
    local program = assert(ld.interop.recorded_program(folder .. "plateau"))
    local run = program.experiment:fit { verbose = 0 }
    near(program.history.learning_rate, run.history.lr, 1e-7, "rate")
  end)

  it("but not on another backend, where a softmax of one unit is always 1", function()
    local program = assert(ld.interop.recorded_program(folder .. "softmax_unit",
      { backend = "torch" }))
    local run = program.experiment:fit { verbose = 0 }
    assert.equal(run.history.loss[1], run.history.loss[8])
  end)

  it("replays with seeds of its own and says how close it came", function()
    local replay = assert(ld.interop.recorded_program(folder .. "plateau")):replay { seeds = 1 }
    assert.is_true(replay.within)
    assert.is_true(replay.apart < 1e-3)
    assert.matches("^recorded loss .* as the recorded run$", tostring(replay))
    local other = assert(ld.interop.recorded_program(folder .. "plateau", { epochs = 2 }))
    replay = other:replay { seeds = 1 }
    assert.is_false(replay.within)
    assert.matches("of the recorded way apart$", tostring(replay))
  end)
end)

describe("interop.recorded_program: what is guessed is told", function()
  local files = { ["model.json"] = true, ["x.npy"] = true, ["y.npy"] = true }

  it("without settings: Keras' batch, TensorFlow, fresh weights", function()
    local program = assert(ld.interop.recorded_program(copied("plateau", files)))
    local notices = table.concat(program.notices, "\n")
    assert.equal(32, program.experiment.batch)
    for _, word in ipairs { "batch 32", "tensorflow", "weights_first", "recorded loss",
      "validation" } do
      assert.matches(word, notices)
    end
    assert.matches("no recorded loss", tostring(program:replay { seeds = 1 }))
  end)

  it("takes the batch from the steps of Keras' progress, and epochs from the curve", function()
    local function batch(console)
      files["console.txt"], files["history.json"] = console, '{"loss": [0.7, 0.6]}'
      local program = assert(ld.interop.recorded_program(copied("plateau", files)))
      return program.experiment.batch, program.experiment.epochs
    end
    local function epochs(...) return (select(2, batch(...))) end
    assert.equal(32, batch "Epoch 1/2\n1/2 - 1s\r2/2 - 2s")
    assert.equal(16, batch "Epoch 1/3\n3/3 - 1s - loss: 0.5")
    assert.equal(2, epochs "Epoch 3/3\n3/3 - 1s - loss: 0.5")
    -- 48 rows in batches of 32 make 2 steps, 10 were made: 2 epochs become 10
    assert.equal(32, batch "10/10 - 1s")
    assert.equal(10, epochs "10/10 - 1s")
  end)

  it("sets the rates of the epochs where they were set from outside", function()
    files["console.txt"] = nil
    files["history.json"] = '{"loss": [1, 1, 1], "learning_rate": [0.5, 0.25, 0.125]}'
    local program = assert(ld.interop.recorded_program(copied("plateau", files)))
    near({ 0.5, 0.25, 0.125 }, program.experiment:fit({ verbose = 0 }).history.lr, 1e-7, "rate")
  end)

  it("names callbacks that are not known", function()
    files["lossdbg.json"] = '{"schema": "lossdbg-recording", "version": 1, "fit": {"callbacks": ' ..
      '[{"class_name": "SwapWeights", "config": {}}]}}'
    local program = assert(ld.interop.recorded_program(copied("plateau", files)))
    assert.matches("SwapWeights", table.concat(program.notices, "\n"))
  end)
end)

describe("interop.recorded_program: what cannot be read", function()
  local function refused(files, o)
    local program, why = ld.interop.recorded_program(copied("plateau", files), o)
    assert.is_nil(program)
    return why
  end

  it("is told with the name of the file", function()
    assert.matches("no model", refused {})
    assert.matches("no x.npy", refused { ["model.json"] = true })
    assert.matches("no y.npy", refused { ["model.json"] = true, ["x.npy"] = true })
    assert.matches("model.json: ", refused { ["model.json"] = "{" })
    assert.matches("x.npy: ", refused { ["model.json"] = true, ["x.npy"] = "x", ["y.npy"] = true })
    assert.matches("lossdbg.json: .*version", refused { ["model.json"] = true,
      ["lossdbg.json"] = '{"schema": "lossdbg-recording", "version": 2}' })
    assert.matches("weights_first.npz: ", refused { ["model.json"] = true, ["x.npy"] = true,
      ["y.npy"] = true, ["weights_first.npz"] = "PK" })
    assert.matches("no_such.npy", refused({ ["model.json"] = true }, { x = "no_such.npy" }))
  end)

  it("names modules, losses and weights of PyTorch that are not known", function()
    local trace = read(folder .. "torch_mlp/model.fx.json")
    local about = read(folder .. "torch_mlp/lossdbg.json")
    local function torch(with, without)
      local files = { ["model.fx.json"] = trace, ["lossdbg.json"] = about }
      for _, name in ipairs { "x.npy", "y.npy", "weights_first.npz" } do
        files[name] = read(folder .. "torch_mlp/" .. name)
      end
      for name, text in pairs(with) do files[name] = text end
      if without then files[without] = nil end
      return refused(files)
    end
    assert.matches("node '1' %(MyNorm%)", torch { ["model.fx.json"] =
      trace:gsub('"BatchNorm1d"', '"MyNorm"') })
    assert.matches("CTCLoss", torch { ["lossdbg.json"] =
      about:gsub("CrossEntropyLoss", "CTCLoss") })
    assert.matches("no weights_first.npz", torch({}, "weights_first.npz"))
    assert.matches("no lossdbg.json", torch({}, "lossdbg.json"))
    assert.matches("version 1", torch { ["model.fx.json"] = trace:gsub('"version": 1',
      '"version": 3') })
  end)

  it("refuses wrong arguments at the line of the caller", function()
    local ok, message = pcall(ld.interop.recorded_program, 3)
    assert.is_false(ok)
    assert.matches("argument 'folder'", message)
  end)
end)

describe("experiment: weights of rows", function()
  local function experiment(weight)
    local x = { { 1 }, { 2 }, { 3 } }
    return ld.experiment { train = { x = x, y = { 1, 0, 2 }, weight = weight },
      model = { ld.nn.dense { 1, init = "zeros" } }, loss = "mse", optimizer = { "sgd", lr = 0 },
      shuffle = false, batch = 2 }
  end

  it("multiply the loss of their row; the sum is divided by the rows, as in Keras", function()
    -- (1 x 1 + 3 x 0) / 2 for two rows, 0.5 x 4 for one: (2 x 0.5 + 1 x 2) / 3
    assert.near(1, experiment({ 1, 3, 0.5 }):fit({ verbose = 0 }).history.loss[1], 1e-6)
    assert.near(5 / 3, experiment(nil):fit({ verbose = 0 }).history.loss[1], 1e-6)
  end)

  it("are refused when they are not one finite number >= 0 a row", function()
    for _, bad in ipairs { { 1, 2 }, { 1, -1, 1 }, { 1, 0 / 0, 1 }, "no" } do
      local ok, message = pcall(experiment, bad)
      assert.is_false(ok)
      assert.matches("argument 'train.weight'", message)
    end
  end)
end)

describe("interop.keras: archives", function()
  local expected = assert(json.decode(read(folder .. "expected.json")))

  -- embedding with a mask, bidirectional LSTM, GRU, layer norm, permute, a nested model with batch
  -- norm; masking, time distributed, constraints, attention, RMS norm, simple RNN
  for name, dtype in pairs { layers = "i32", attention = "f32" } do
    it("predict what Keras predicts with the weights in " .. name .. ".keras", function()
      local program = assert(ld.interop.keras.read(folder .. name .. ".keras"))
      local y = program:build()(ld.tensor(expected[name].x, dtype)):totable()
      for i, row in ipairs(expected[name].y) do near(row, y[i], 2e-6, "row " .. i) end
      assert.same({}, program.notices)
    end)
  end

  it("are read without their weights where nobody wants them", function()
    local program = assert(ld.interop.keras.read(folder .. "layers.keras", { weights = false }))
    assert.is_nil(program.weights)
  end)

  it("say how to convert weights that cannot be read", function()
    -- a superblock of version 3, with the checksum that the archive then has
    local bytes, crc32 = read(folder .. "attention.keras"), require("lossdbg.core").io.crc32
    local h5 = assert(require("lossdbg.interop.archive").member(bytes, "model.weights.h5"))
    local at, changed = bytes:find(h5, 1, true), h5:sub(1, 8) .. "\3" .. h5:sub(10)
    bytes = bytes:sub(1, at - 1) .. changed .. bytes:sub(at + #h5)
    local old, new = string.pack("<I4", crc32(h5)), string.pack("<I4", crc32(changed))
    local place = bytes:find(old, 1, true)
    while place do
      bytes = bytes:sub(1, place - 1) .. new .. bytes:sub(place + 4)
      place = bytes:find(old, place + 4, true)
    end
    local program = assert(ld.interop.keras.parse(bytes))
    assert.is_nil(program.weights)
    assert.matches("superblock of version 3.*load_model.*weights.npz", program.notices[1])
  end)
end)

describe("interop.hdf5", function()
  local hdf5 = require "lossdbg.interop.hdf5"
  local archive = require "lossdbg.interop.archive"
  local bytes = assert(archive.member(read(folder .. "attention.keras"), "model.weights.h5"))

  it("reads every array of the file", function()
    local count = 0
    for _, array in ipairs(assert(hdf5.arrays(bytes))) do
      if array.name:find "^layers/" then count = count + array.tensor.numel end
    end
    -- dense 2x4+4; attention 3 x (4x2x3+6) + 2x3x4+4; RMS 4; RNN 4x2+2x2+2
    assert.equal(12 + 3 * 30 + 28 + 4 + 14, count)
  end)

  it("refuses other forms, damage and cuts with a message, whatever the bytes", function()
    assert.matches("signature", select(2, hdf5.arrays "PK"))
    assert.matches("superblock of version 3", select(2,
      hdf5.arrays(bytes:sub(1, 8) .. "\3" .. bytes:sub(10))))
    for size = 0, #bytes - 1, 211 do
      local arrays, why = hdf5.arrays(bytes:sub(1, size))
      assert.is_true(arrays ~= nil or why:find("HDF5", 1, true) ~= nil)
    end
    for i = 1, 4000, 7 do -- every kind of header with a byte turned
      local turned = bytes:sub(1, i - 1) .. string.char(bytes:byte(i) ~ 0xFF) .. bytes:sub(i + 1)
      local arrays, why = hdf5.arrays(turned)
      assert.is_true(arrays ~= nil or why:find("HDF5", 1, true) ~= nil)
    end
  end)

  it("does not follow a group that holds itself", function()
    -- the root's only leaf is the root: address 96 of the first header, written over every entry
    local root = string.unpack("<i8", bytes, 65)
    local at = bytes:find("SNOD", 1, true)
    local loop = bytes:sub(1, at + 15) .. string.pack("<i8", root) .. bytes:sub(at + 24)
    local arrays, why = hdf5.arrays(loop)
    assert.is_nil(arrays)
    assert.matches("HDF5", why)
  end)
end)
