--- Models of every kind of layer that has a form in ONNX, with inputs; the same bits every time.
-- `lua5.4 spec/support/onnx_exports.lua FOLDER` writes each as FOLDER/NAME.onnx, its input and what
-- we compute as NPY, for ONNX Runtime (spec/interop/exports.py).
local ld = require "lossdbg"

local nn = ld.nn

local M = {}

local function drawn(make, seed, ...)
  ld.seed(seed)
  return make(...)
end

local function ids(shape, most) return drawn(ld.rand, 3, shape):mul(most):cast "i32" end

local function normal(...) return drawn(ld.randn, 2, { ... }) end

local function chain(input, layers, x)
  return function() return nn.sequential(layers()):build(input, { seed = 5 }), x() end
end

-- Statistics that are not the initial ones.
local function lived(model)
  for _, layer in ipairs(model:layers()) do
    local w = layer.weights
    if w.moving_mean then
      ld.no_grad(function()
        w.moving_mean:copy_(drawn(ld.randn, 7, w.moving_mean.shape):mul(0.3))
        w.moving_variance:copy_(drawn(ld.rand, 8, w.moving_variance.shape):add(0.5))
      end)
    end
  end
  return model
end

M.models = {
  mlp = chain({ 5 }, function()
    return { nn.normalization { mean = { 1, 2, 3, 4, 5 }, variance = { 1, 4, 9, 16, 25 } },
      nn.dense { 8, "relu" }, nn.batch_norm(), nn.dropout(0.3), nn.dense { 7, "gelu" },
      nn.layer_norm(), nn.dense { 3, "softmax" } }
  end, function() return normal(4, 5) end),
  activations = chain({ 6 }, function()
    local list = {}
    for _, name in ipairs { "sigmoid", "tanh", "leaky_relu", "elu", "celu", "selu", "silu",
      "softplus", "softsign", "hard_sigmoid", "hard_silu", "relu6", "log_sigmoid", "mish" } do
      list[#list + 1] = nn.dense { 6, name, init = "orthogonal" }
    end
    list[#list + 1] = nn.activation { "gelu", approximate = true }
    list[#list + 1] = nn.activation { "log_softmax" }
    return list
  end, function() return normal(3, 6):mul(3) end),
  cnn = chain({ 9, 11, 2 }, function()
    return { nn.rescale { 0.5, 0.1 }, nn.conv2d { 4, 3, "relu", padding = "same", strides = 2 },
      nn.batch_norm { flavor = "torch" }, nn.max_pool2d { 2, padding = "same", strides = 1 },
      nn.depthwise_conv2d { 3, "tanh", multiplier = 2 },
      nn.conv2d { 6, { 1, 2 }, dilation = { 1, 2 }, padding = 1, groups = 2 },
      nn.avg_pool2d { { 2, 1 }, padding = "same" }, nn.flatten(), nn.dense { 3 } }
  end, function() return normal(2, 9, 11, 2) end),
  sequence = chain({ 12, 3 }, function()
    return { nn.conv1d { 4, 3, "silu", padding = "same" }, nn.layer_norm { axis = { 2, 3 } },
      nn.conv1d { 5, 2, dilation = 2 }, nn.max_pool1d { 2 }, nn.permute { 2, 1 },
      nn.dense { 4, "relu" }, nn.permute { 2, 1 }, nn.global_avg_pool1d(), nn.dense { 2 } }
  end, function() return normal(3, 12, 3) end),
  lstm = chain({ 7 }, function()
    return { nn.embedding { 11, 5 }, nn.lstm { 6, return_sequences = true },
      nn.lstm { 4, go_backwards = true }, nn.dense { 2 } }
  end, function() return ids({ 3, 7 }, 11) end),
  gru = chain({ 7, 4 }, function()
    return { nn.bidirectional { nn.gru { 5, return_sequences = true } },
      nn.gru { 4, reset_after = false, return_sequences = true },
      nn.bidirectional { nn.simple_rnn { 3, "relu" }, merge_mode = "sum" }, nn.dense { 2 } }
  end, function() return normal(3, 7, 4) end),
}

function M.models.transformer()
  local x = nn.input { 6 }
  local h = nn.positional_embedding() (nn.embedding { 13, 8 } (x))
  local a = nn.multi_head_attention { 2, 4, causal = true } (nn.layer_norm() (h))
  h = nn.add { h, a }
  h = nn.add { h, nn.dense { 8 } (nn.dense { 16, "gelu" } (nn.layer_norm() (h))) }
  local model = nn.graph { inputs = x, outputs = nn.dense(13) (h) }:build(nil, { seed = 5 })
  return model, ids({ 2, 6 }, 13)
end

-- Two inputs, two outputs, a shared layer, a residual block with a shortcut.
function M.models.branches()
  local a, b = nn.input { 4, name = "left" }, nn.input { 4, name = "right" }
  local shared = nn.dense { 5, "tanh" }
  local joined = nn.concat { shared(a), shared(b), nn.subtract { a, b }, nn.maximum { a, b } }
  local block = nn.residual { nn.dense { 6, "relu" }, nn.dense(6), shortcut = nn.dense(6) }
  local y = block(joined)
  return nn.graph { inputs = { a, b }, outputs = { nn.dense(2) (y),
    nn.average { y, nn.multiply { y, y } } } }:build(nil, { seed = 5 }),
    { normal(3, 4), normal(3, 4):mul(2) }
end

M.names = {}
for name in pairs(M.models) do M.names[#M.names + 1] = name end
table.sort(M.names)

---@param name string
---@return lossdbg.Model
---@return userdata[] inputs
---@return userdata[] outputs
function M.make(name)
  local model, x = M.models[name]()
  lived(model)
  local inputs = type(x) == "table" and x or { x }
  local y = ld.no_grad(function() return model(x) end)
  return model, inputs, type(y) == "table" and y or { y }
end

local function save(path, bytes)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(bytes))
end

if arg and arg[0] and arg[0]:match "onnx_exports.lua$" then
  local npy = require("lossdbg.core").io.npy_encode
  for _, name in ipairs(M.names) do
    local model, inputs, outputs = M.make(name)
    local path = arg[1] .. "/" .. name
    save(path .. ".onnx", assert(ld.interop.onnx.bytes(model)))
    for i, t in ipairs(inputs) do save(("%s.x%d.npy"):format(path, i), npy(t)) end
    for i, t in ipairs(outputs) do save(("%s.y%d.npy"):format(path, i), npy(t)) end
  end
end

return M
