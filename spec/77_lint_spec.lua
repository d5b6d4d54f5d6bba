-- Model files without their data, and arrays from one format to another.
local ld = require "lossdbg"
local weights_file = require "lossdbg.interop.weights_file"

local folder = "spec/support/recorded/"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local function temporary(text, ending)
  local path = os.tmpname() .. ending
  local file = assert(io.open(path, "wb"))
  file:write(text or "")
  file:close()
  return path
end

local function rules_of(lint)
  local out = {}
  for _, f in ipairs(lint.findings) do out[f.rule] = f.severity end
  return out
end

describe("interop.lint", function()
  it("finds what the configuration alone shows", function()
    local lint = assert(ld.interop.lint(folder .. "softmax_unit/model.json"))
    assert.equal("error", rules_of(lint).softmax_single_unit)
    assert.same({}, lint.problems)
  end)

  it("finds nothing grave in a sound model", function()
    for _, severity in pairs(rules_of(assert(ld.interop.lint(folder .. "plateau/model.json")))) do
      assert.equal("info", severity)
    end
  end)

  it("names a layer that is not known, and lints the rest", function()
    local text = read(folder .. "softmax_unit/model.json")
    local path = temporary((text:gsub('"class_name": "Dense"', '"class_name": "Sparsely"', 1)),
      ".json")
    local lint = assert(ld.interop.lint(path))
    assert.equal(1, #lint.problems)
    assert.matches("layer 'dense.*' %(Sparsely%)", lint.problems[1])
    assert.equal("error", rules_of(lint).softmax_single_unit)
  end)

  it("reads ONNX, where no loss is known, and names operators", function()
    local lint = assert(ld.interop.lint "spec/support/onnx/mlp.onnx")
    assert.matches("no loss", lint.notices[1])
    local bytes = read "spec/support/onnx/mlp.onnx"
    lint = assert(ld.interop.lint(temporary(bytes:gsub("\"\4Tanh", "\"\4Tanx", 1), ".onnx")))
    assert.matches("Tanx", lint.problems[1])
  end)

  it("says what cannot be read", function()
    assert.matches("no_such", select(2, ld.interop.lint "no_such.keras"))
    assert.is_nil((ld.interop.lint(temporary("{", ".json"))))
    assert.has_error(function() ld.interop.lint(3) end)
  end)
end)

describe("weights_file", function()
  it("brings arrays of every format to safetensors and back", function()
    for _, path in ipairs { folder .. "layers.keras", folder .. "plateau/weights_last.npz",
      "spec/support/onnx/cnn.onnx", folder .. "plateau/x.npy" } do
      local arrays = assert(weights_file.read(path))
      local out = temporary(nil, ".safetensors")
      assert.equal(#arrays, weights_file.write(out, arrays))
      local again = {}
      for _, one in ipairs(assert(weights_file.read(out))) do again[one.name] = one.tensor end
      for _, one in ipairs(arrays) do
        assert.same(one.tensor:totable(), again[one.name]:totable())
      end
    end
  end)

  it("writes one array as NPY, and asks which", function()
    local arrays = assert(weights_file.read "spec/support/onnx/mlp.onnx")
    local out = temporary(nil, ".npy")
    assert.matches("%-%-name", select(2, weights_file.write(out, arrays)))
    assert.matches("no array 'x'", select(2, weights_file.write(out, arrays, "x")))
    assert.equal(1, weights_file.write(out, arrays, "0.weight"))
    assert.same({ 6, 4 }, weights_file.read(out)[1].tensor.shape)
  end)

  it("refuses other endings", function()
    assert.matches("expected", select(2, weights_file.read "weights.pt"))
    assert.matches("expected", select(2, weights_file.write("weights.pt", {})))
  end)
end)

describe("lossdbg lint and convert", function()
  local cli = require "lossdbg.cli"

  local function run(...)
    local out, err = assert(io.tmpfile()), assert(io.tmpfile())
    local status = cli.main({ ... }, out, err)
    out:seek "set"
    err:seek "set"
    return status, out:read "a", err:read "a"
  end

  it("answer with what they found and a status", function()
    local status, text = run("lint", folder .. "softmax_unit/model.json")
    assert.equal(1, status)
    assert.matches("error: softmax over a single unit", text)
    assert.equal(0, (run("lint", folder .. "plateau/model.json")))
    assert.equal(66, (run("lint", "no_such.keras")))
    assert.equal(64, (run "lint"))
    local out = temporary(nil, ".safetensors")
    status, text = run("convert", "spec/support/onnx/mlp.onnx", out)
    assert.equal(0, status)
    assert.matches("10 arrays", text)
    assert.equal(66, (run("convert", "no_such.npz", out)))
    assert.equal(64, (run("convert", out)))
  end)
end)
