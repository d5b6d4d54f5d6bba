-- ONNX files of torch.onnx.export, both exporters (spec/support/onnx, make.py there), against what
-- ONNX Runtime computed with them.
local ld = require "lossdbg"
local json = require "lossdbg.support.json"

local onnx = ld.interop.onnx
local folder = "spec/support/onnx/"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local expected = assert(json.decode(read(folder .. "expected.json")))

local function input(name)
  return ld.tensor(expected[name].x, (name:find "lstm" or name:find "gru") and "i32" or "f32")
end

describe("interop.onnx: computes what ONNX Runtime computes", function()
  for name, case in pairs(expected) do
    it("with " .. name, function()
      local y = assert(onnx.read(folder .. name .. ".onnx")):build()(input(name))
      local wanted = ld.tensor(case.y, "f32")
      assert.same(wanted.shape, y.shape)
      local scale = math.max(1, wanted:abs():max():item())
      assert.is_true(y:sub(wanted):abs():max():item() <= 1e-5 * scale)
    end)
  end
end)

describe("interop.onnx: what it makes", function()
  it("trains: every weight moves, and the loss falls", function()
    for name, outputs in pairs { mlp_training = 3, cnn = 3, attention = 8, lstm = 2 } do
      local program = assert(onnx.read(folder .. name .. ".onnx"))
      local x, target = input(name), ld.ones(expected[name].y and
        assert(onnx.read(folder .. name .. ".onnx")):build()(input(name)).shape)
      assert.equal(outputs, target.shape[#target.shape])
      local e = program:experiment { train = { x, target:mul(0.25) }, loss = "mse", epochs = 30,
        optimizer = { "adam", lr = 0.01 }, batch = 8, seed = 1 }
      local before, run = e:build():state(), e:fit { verbose = 0 }
      assert.is_true(run.history.loss[30] < 0.9 * run.history.loss[1], name)
      local after = run.model:state()
      for i, entry in ipairs(before) do
        assert.is_true(entry.tensor:sub(after[i].tensor):abs():max():item() > 0, entry.name)
      end
    end
  end)

  it("has the names of the modules, for fixes in PyTorch's words", function()
    local names = assert(onnx.read(folder .. "residual.onnx")).names
    local seen = {}
    for _, module in pairs(names) do seen[module] = true end
    assert.is_true(seen.a and seen.b and seen.c)
  end)

  it("keeps dropout and statistics of a model that was exported for training", function()
    local text = tostring(assert(onnx.read(folder .. "mlp_training.onnx")).model)
    assert.matches("dropout { 0.2", text)
    assert.matches("batch_norm", text)
  end)
end)

-- The message of bytes that are no model.
local function refused(bytes)
  local program, why = onnx.parse(bytes)
  assert.is_nil(program)
  assert.equal("string", type(why))
  return why
end

describe("interop.onnx: what cannot be read", function()
  local bytes = read(folder .. "mlp.onnx")

  it("names an operator that is not known, and its place", function()
    assert.matches("operators that are not known: node '.*' %(Tanx%)",
      refused((bytes:gsub("\"\4Tanh", "\"\4Tanx", 1))))
  end)

  it("names a value that nothing makes", function()
    assert.matches("node '.*' %(Gemm%): nothing makes its input 'x'",
      refused((bytes:gsub("\n\1x\18", "\n\1z\18", 1))))
  end)

  it("takes no harm from cuts and turned bytes", function()
    assert.matches("no graph", refused "")
    assert.matches("ONNX", refused "no protobuf at all")
    for size = 1, #bytes - 1, 37 do
      local program, why = onnx.parse(bytes:sub(1, size))
      assert.is_true(program ~= nil or why:find("ONNX", 1, true) == 1)
    end
    for i = 1, #bytes, 23 do
      local turned = bytes:sub(1, i - 1) .. string.char(bytes:byte(i) ~ 0x55) .. bytes:sub(i + 1)
      local program, why = onnx.parse(turned)
      assert.is_true(program ~= nil or why:find("ONNX", 1, true) == 1)
    end
  end)

  it("refuses sizes beyond the bytes", function()
    -- TensorProto { dims 2^40, data_type 1, name "w", raw_data "" } as the initializer of a graph
    local dims = "\8" .. ("\x80"):rep(5) .. "\x20"
    local tensor = dims .. "\x10\1\x42\1w\x4a\0"
    local node = "\x0a\1w\x12\1y\x22\4Relu"
    local graph = "\x0a" .. string.char(#node) .. node .. "\x2a" .. string.char(#tensor) .. tensor
    assert.matches("'w'", refused("\x3a" .. string.char(#graph) .. graph))
  end)

  it("says which file, and refuses what is no path", function()
    assert.matches("no_such.onnx", select(2, onnx.read "no_such.onnx"))
    assert.has_error(function() onnx.parse(3) end)
  end)
end)

describe("core.io.proto_fields", function()
  local io_core = require("lossdbg.core").io

  it("reads every kind of field, and packed numbers", function()
    local bytes = "\8\x96\1" .. "\x15\0\0\x80\x3f" .. "\x1a\3abc" .. "\x21" ..
      string.pack("<d", 0.5) .. "\x2a\3\1\x80\1"
    local fields = assert(io_core.proto_fields(bytes))
    assert.same({ 150, 1, 3, 0.5 }, { fields[1].value, fields[2].real, fields[3].size,
      fields[4].real })
    assert.equal("abc", bytes:sub(fields[3].first, fields[3].first + 2))
    assert.same({ 1, 128 }, io_core.proto_varints(bytes, fields[5].first, fields[5].size))
    assert.same({ -1 }, io_core.proto_varints(("\xff"):rep(9) .. "\1"))
  end)

  it("says what is cut, and refuses ranges outside the bytes", function()
    assert.matches("cut short", select(2, io_core.proto_fields "\x1a\4abc"))
    assert.is_nil(io_core.proto_varints "\x80")
    assert.has_error(function() io_core.proto_fields("abc", 2, 3) end)
    assert.has_error(function() io_core.proto_fields(3) end)
  end)
end)
