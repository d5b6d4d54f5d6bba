-- Our models as ONNX files. spec/support/onnx_export holds what ONNX Runtime and onnx.checker
-- accepted, output for output within 1e-5 (make interop does it anew). Weights of other processors
-- may differ in their last bits, so that sizes and outputs are compared.
package.path = "./spec/support/?.lua;" .. package.path
local cli = require "lossdbg.cli"
local exports = require "onnx_exports"
local ld = require "lossdbg"

local nn, onnx = ld.nn, ld.interop.onnx

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

describe("interop.onnx.bytes", function()
  for _, name in ipairs(exports.names) do
    it("of " .. name .. " are what ONNX Runtime accepted, and come back as they went", function()
      local model, inputs, outputs = exports.make(name)
      local bytes = assert(onnx.bytes(model))
      local golden = read("spec/support/onnx_export/" .. name .. ".onnx")
      assert.equal(#golden, #bytes)
      for _, file in ipairs { bytes, golden } do
        local y = assert(onnx.parse(file)):build()(#inputs > 1 and inputs or inputs[1])
        for i, got in ipairs(type(y) == "table" and y or { y }) do
          assert.same(outputs[i].shape, got.shape)
          local scale = math.max(1, outputs[i]:abs():max():item())
          assert.is_true(got:sub(outputs[i]):abs():max():item() <= 1e-5 * scale)
        end
      end
    end)
  end

  it("cover every kind of layer that has a form", function()
    local seen = {}
    for _, name in ipairs(exports.names) do
      for _, layer in ipairs((exports.make(name)):layers()) do
        seen[layer.kind] = true
        local inner = layer.options.layer
        if inner then seen[inner.kind] = true end
      end
    end
    for _, kind in ipairs { "dense", "conv1d", "conv2d", "depthwise_conv2d", "batch_norm",
      "layer_norm", "embedding", "lstm", "gru", "simple_rnn", "bidirectional",
      "multi_head_attention", "max_pool1d", "max_pool2d", "avg_pool2d", "global_avg_pool1d",
      "normalization", "rescale", "add", "concat", "average", "maximum" } do
      assert.is_true(seen[kind] == true, kind)
    end
  end)

  it("name the layer that has no form, and where it was written", function()
    local function refused(list, input)
      local bytes, why = onnx.bytes(nn.sequential(list):build(input))
      assert.is_nil(bytes)
      return why
    end
    assert.matches("layer 'lambda_1' %(lambda%) %(written in .*76_onnx_export_spec.lua:%d+%)",
      refused({ nn.lambda(function(x) return x:mul(2) end) }, { 3 }))
    assert.matches("'embedding_1'.*masks", refused({ nn.embedding { 5, 2, mask_zero = true },
      nn.lstm { 3 } }, { 4 }))
    assert.matches("stateful", refused({ nn.gru { 3, stateful = true } }, { 4, 2 }))
    assert.matches("go_backwards", refused({ nn.gru { 3, go_backwards = true,
      return_sequences = true } }, { 4, 2 }))
    assert.matches("function", refused({ nn.dense { 3, function(x) return x:mul(x) end } }, { 2 }))
  end)

  it("take ids as integers where embeddings alone read them", function()
    -- TypeProto.Tensor { elem_type 7 }: int64; 1: float
    local ids = nn.sequential { nn.embedding { 5, 2 }, nn.flatten() }:build { 4 }
    assert.matches("\8\7\18", assert(onnx.bytes(ids)), 1, true)
    local x = nn.input { 4 }
    local both = nn.graph { inputs = x, outputs = { nn.embedding { 5, 2 } (x), nn.dense(2) (x) } }
    local bytes = assert(onnx.bytes(both:build()))
    assert.matches("Cast", bytes, 1, true)
  end)

  it("want a built model, and a path", function()
    assert.has_error(function() onnx.bytes(nn.dense(3)) end)
    local model = nn.sequential { nn.dense(1) }:build { 2 }
    assert.has_error(function() onnx.save(model) end)
    local ok, why = onnx.save(model, "/no/such/folder/m.onnx")
    assert.is_nil(ok)
    assert.matches("/no/such/folder", why, 1, true)
  end)
end)

describe("lossdbg convert MODEL.safetensors MODEL.onnx", function()
  it("writes a saved model; weights alone are none", function()
    local folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir " .. folder)
    local model = nn.sequential { nn.dense { 3, "relu" }, nn.dense(1) }:build({ 2 }, { seed = 1 })
    assert(model:save(folder .. "/m.safetensors"))
    assert(ld.safetensors.save(folder .. "/w.safetensors", { a = ld.tensor { 1 } }))
    local kept = { write = function(self, ...)
      self.text = (self.text or "") .. table.concat { ... }
      return self
    end }
    assert.equal(0, cli.main({ "convert", folder .. "/m.safetensors", folder .. "/m.onnx" }, kept,
      kept))
    assert.equal(assert(onnx.bytes(model)), read(folder .. "/m.onnx"))
    assert.equal(66, cli.main({ "convert", folder .. "/w.safetensors", folder .. "/m.onnx" }, kept,
      kept))
    os.execute("rm -r " .. folder)
  end)
end)
