-- Layers of convolution and pooling: shapes, starts, activations, penalties, messages. Their
-- numbers are compared in 60_conv_spec.lua.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local core = require "lossdbg.core"
local draw = require "draw"

local nn, op = ld.nn, core.op

local function build(layer, shape, options) return nn.sequential { layer }:build(shape, options) end

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

describe("convolution layers", function()
  -- output shape and parameters as Keras' summary shows them
  local expected = {
    { nn.conv2d { 32, 3, "relu" }, { 28, 28, 1 }, { 26, 26, 32 }, 320 },
    { nn.conv2d { 64, { 3, 5 }, padding = "same", strides = 2 }, { 13, 14, 32 }, { 7, 7, 64 },
      30784 },
    { nn.conv2d { 8, 3, groups = 4, bias = false }, { 6, 6, 4 }, { 4, 4, 8 }, 72 },
    { nn.conv2d { 8, 3, padding = 1, stride = 2 }, { 7, 7, 4 }, { 4, 4, 8 }, 296 },
    { nn.conv1d { 16, 5, padding = "causal", dilation = 2 }, { 100, 8 }, { 100, 16 }, 656 },
    { nn.depthwise_conv2d { 3, multiplier = 2 }, { 8, 8, 4 }, { 6, 6, 8 }, 80 },
    { nn.separable_conv2d { 16, 3 }, { 8, 8, 4 }, { 6, 6, 16 }, 116 },
    { nn.separable_conv1d { 16, 3, multiplier = 2 }, { 8, 4 }, { 6, 16 }, 168 },
    { nn.conv2d_transpose { 8, 3, strides = 2, padding = "same" }, { 7, 7, 16 }, { 14, 14, 8 },
      1160 },
    { nn.conv1d_transpose { 8, 4, strides = 2 }, { 7, 16 }, { 16, 8 }, 520 },
    { nn.max_pool2d(), { 13, 13, 4 }, { 6, 6, 4 }, 0 },
    { nn.avg_pool2d { 3, strides = 2, padding = "same" }, { 13, 13, 4 }, { 7, 7, 4 }, 0 },
    { nn.max_pool1d { 3, 1 }, { 13, 4 }, { 11, 4 }, 0 },
    { nn.global_avg_pool2d(), { 7, 7, 64 }, { 64 }, 0 },
    { nn.global_max_pool1d { keepdims = true }, { 7, 64 }, { 1, 64 }, 0 },
    { nn.zero_padding2d(2), { 5, 5, 1 }, { 9, 9, 1 }, 0 },
    { nn.up_sampling2d { { 2, 3 } }, { 5, 5, 2 }, { 10, 15, 2 }, 0 },
  }
  for _, case in ipairs(expected) do
    it("know their shapes: " .. tostring(case[1]):match "^[^%-]+", function()
      local model = build(case[1], case[2])
      assert.same(case[3], model.output_shape)
      assert.equal(case[4], model:count())
      local y = model(ld.ones { 2, table.unpack(case[2]) })
      assert.same({ 2, table.unpack(case[3]) }, y.shape)
    end)
  end

  -- bounds sqrt(6 / (fan_in + fan_out)) with Keras' fans; api.md 1.3 gives the first
  local starts = {
    { nn.conv2d { 32, 3 }, { 9, 9, 16 }, "kernel", 0.1178511302 },
    { nn.conv2d { 32, 3, groups = 4 }, { 9, 9, 16 }, "kernel", math.sqrt(6 / (36 + 288)) },
    { nn.conv1d { 64, 5 }, { 9, 32 }, "kernel", math.sqrt(6 / (160 + 320)) },
    { nn.depthwise_conv2d { 5, multiplier = 2 }, { 9, 9, 64 }, "kernel",
      math.sqrt(6 / (64 * 25 + 2 * 25)) },
    { nn.conv2d_transpose { 32, 3 }, { 9, 9, 16 }, "kernel", math.sqrt(6 / (288 + 144)) },
    { nn.separable_conv2d { 64, 3 }, { 9, 9, 64 }, "pointwise", math.sqrt(6 / 128) },
  }
  it("start with Keras' glorot_uniform and zero biases", function()
    for _, case in ipairs(starts) do
      local layer = build(case[1], case[2])[1]
      local w = layer.weights[case[3]]
      local largest = w:abs():max():item()
      assert.is_true(largest <= case[4], layer.kind)
      assert.is_true(largest >= 0.97 * case[4], layer.kind)
      assert.near(case[4] / math.sqrt(3), math.sqrt(w:var():item()), 0.06 * case[4])
      assert.equal(0, layer.weights.bias:abs():max():item())
    end
  end)

  it("are described with the fans of their kernels", function()
    local model = nn.sequential { nn.conv2d { 16, 5 }, nn.flatten(), nn.dense(10) }
      :build { 9, 9, 6 }
    local layers = require("lossdbg.train.describe").layers(model)
    assert.same({ 150, 400 }, { layers[1].fan_in, layers[1].fan_out })
    assert.is_nil(layers[2].fan_in)
    assert.same({ 400, 10 }, { layers[3].fan_in, layers[3].fan_out })
  end)

  it("start with PyTorch's U(-1/sqrt(fan_in), ..) on request, biases too", function()
    local layer = build(nn.conv2d { 200, 3, init = "torch_linear", bias_init = "torch_linear" },
      { 9, 9, 16 })[1]
    for _, name in ipairs { "kernel", "bias" } do
      local largest = layer.weights[name]:abs():max():item()
      assert.is_true(largest <= 1 / 12 and largest >= 0.97 / 12, name)
    end
  end)

  it("give the same with the activation apart, with taps and as logits", function()
    local x = draw({ 2, 5, 5, 2 }, 8, "f64")
    for _, name in ipairs { "relu", "gelu", "softmax", "sigmoid" } do
      for _, kind in ipairs { "conv2d", "separable_conv2d", "conv2d_transpose" } do
        local one = build(nn[kind] { 3, 2, name }, { 5, 5, 2 }, { dtype = "f64" })
        local two = nn.sequential { nn[kind] { 3, 2 }, nn.activation(name) }
          :build({ 5, 5, 2 }, { dtype = "f64" })
        assert.is_true(ld.allclose(one(x), two(x), 1e-14, 1e-14))
        local before
        local tapped = one:forward(x, {
          tap = function(_, when, t) before = when == "before" and t or before end,
        })
        assert.is_true(ld.allclose(one(x), tapped, 1e-14, 1e-14))
        assert.is_true(ld.allclose(before, two[1]:forward(x, {}), 1e-14, 1e-14))
        local logits = one:forward(x, { logits = one[1] })
        local raw = name == "softmax" or name == "sigmoid"
        assert.is_true(ld.allclose(logits, raw and before or one(x), 1e-14, 1e-14))
      end
    end
  end)

  it("add penalties of their kernels", function()
    local plain = build(nn.separable_conv2d { 4, 3, l2 = 0.5 }, { 8, 8, 2 })[1]
    assert.equal(0.5, plain.parameters[1].regularizer.l2)
    assert.equal(0.5, plain.parameters[2].regularizer.l2)
    assert.is_nil(plain.parameters[3].regularizer)
    local one = build(nn.conv2d { 4, 3, kernel_regularizer = "l1" }, { 8, 8, 2 })[1]
    assert.equal(0.01, one.parameters[1].regularizer.l1)
  end)

  it("learn an edge filter from examples", function()
    local edge = ld.tensor({ { { { 1 } }, { { 0 } }, { { -1 } } }, { { { 2 } }, { { 0 } },
      { { -2 } } }, { { { 1 } }, { { 0 } }, { { -1 } } } })
    local x = draw({ 16, 8, 8, 1 }, 6, "f32")
    local y = op.conv2d(x, edge)
    local model = build(nn.conv2d { 1, 3 }, { 8, 8, 1 })
    local kernel, bias = model[1].weights.kernel, model[1].weights.bias
    for _ = 1, 200 do
      kernel.grad, bias.grad = nil, nil
      model(x):sub(y):square():mean():backward()
      ld.no_grad(function()
        kernel:add_(kernel.grad, -0.1)
        bias:add_(bias.grad, -0.1)
      end)
    end
    assert.is_true(ld.allclose(kernel, edge, 1e-3, 1e-3))
  end)
end)

describe("messages of convolution layers", function()
  local function message(layer, shape)
    return error_of(function() return build(layer, shape) end)
  end

  it("explain wrong shapes with axis names and a cause", function()
    local m = message(nn.conv2d { 8, 3 }, { 28, 28 })
    assert.matches("layer 'conv2d_1' (written in ", m, 1, true)
    assert.matches("expected input [batch, height, width, channels]", m, 1, true)
    assert.matches("the channel axis is missing: put nn.reshape { 28, 28, 1 } first", m, 1, true)
    assert.matches("flat rows: put nn.reshape { height, width, channels } first",
      message(nn.max_pool2d(), { 784 }), 1, true)
    assert.matches("sequences: use the layer for one axis",
      message(nn.conv2d { 8, 3 }, { 10 , 4, 5, 6 }), 1, true)
    assert.matches("images: use the layer for two axes",
      message(nn.global_avg_pool1d(), { 10, 4, 5 }), 1, true)
  end)

  it("explain kernels that are larger than the input", function()
    local m = message(nn.conv2d { 8, 5, dilation = 2 }, { 8, 12, 3 })
    assert.matches("the kernel covers 5 cells of the height, spread over 9 by dilation, but the "
      .. "input has only 8", m, 1, true)
    assert.matches("padding \"same\"", m, 1, true)
    assert.matches("are the channels first?", message(nn.conv2d { 8, 5 }, { 3, 32, 32 }), 1, true)
    assert.matches("the pool covers 2 cells of the width, but the input has only 1",
      message(nn.max_pool2d(), { 4, 1, 8 }), 1, true)
    assert.matches("the kernel covers 7 cells of the sequence, but the input has only 5 with 1 of "
      .. "padding", error_of(op.conv1d, ld.ones { 1, 5, 1 }, ld.ones { 7, 1, 1 }, nil,
      { pads = { 1, 0 } }), 1, true)
  end)

  it("explain groups and output padding that do not fit", function()
    assert.matches("4 groups do not divide 6 channels and 8 filters",
      message(nn.conv2d { 8, 3, groups = 4 }, { 8, 8, 6 }), 1, true)
    assert.matches("output_padding must be less than the stride",
      message(nn.conv2d_transpose { 8, 3, output_padding = 1 }, { 8, 8, 6 }), 1, true)
  end)

  it("check options", function()
    assert.matches("argument 'padding': unknown value \"smae\"; did you mean 'same'",
      error_of(nn.conv2d, { 8, 3, padding = "smae" }), 1, true)
    assert.matches("unknown option 'stride_h'; did you mean 'strides'",
      error_of(nn.conv2d, { 8, 3, stride_h = 2 }), 1, true)
    assert.matches("argument 'kernel': expected an integer >= 1 or { height, width }, got { 3, 0 }",
      error_of(nn.conv2d, { 8, { 3, 0 } }), 1, true)
    assert.matches("argument 'filters'", error_of(nn.conv2d, {}), 1, true)
    assert.matches("argument 'kernel'", error_of(nn.conv2d, { 8 }), 1, true)
    assert.matches("\"causal\"", error_of(nn.conv2d, { 8, 3, padding = "causal" }), 1, true)
    assert.matches("argument 'padding'", error_of(nn.zero_padding2d, { padding = { 1, 2, 3 } }), 1,
      true)
  end)

  it("explain wrong arguments of the ops", function()
    local x, w = ld.ones { 1, 3, 8, 8 }, ld.ones { 3, 3, 3, 2 }
    assert.matches("are the channels first? They belong last", error_of(op.conv2d, x, w), 1, true)
    assert.matches("are the last two axes swapped?",
      error_of(op.conv2d_transpose, ld.ones { 1, 4, 4, 2 }, ld.ones { 3, 3, 2, 5 }), 1, true)
    local grey = ld.ones { 2, 8, 8, 1 }
    assert.matches("expected padding or pads, got both", error_of(op.conv2d, grey,
      ld.ones { 3, 3, 1, 1 }, nil, { padding = "same", pads = 1 }), 1, true)
    assert.matches("expected pads = {top, bottom, left, right} or one number, got 2 numbers",
      error_of(op.conv2d, grey, ld.ones { 3, 3, 1, 1 }, nil, { pads = { 1, 1 } }), 1, true)
    assert.matches("pads must not be negative", error_of(op.conv2d, grey, ld.ones { 3, 3, 1, 1 },
      nil, { pads = -1 }), 1, true)
    assert.matches("would leave a pool of 2 without a cell",
      error_of(op.max_pool2d, grey, { pads = 2 }), 1, true)
    assert.matches("b is [3], expected one element for each of 2 filters",
      error_of(op.conv2d, grey, ld.ones { 3, 3, 1, 2 }, ld.ones(3)), 1, true)
    assert.matches("strides and dilation must be 1 to 2147483647, got 0 and 1 on the height",
      error_of(op.conv2d, grey, ld.ones { 3, 3, 1, 1 }, nil, { strides = { 0, 1 } }), 1, true)
    assert.matches("got 1 and 1099511627776", error_of(op.conv2d, grey, ld.ones { 3, 3, 1, 1 },
      nil, { dilation = 1 << 40 }), 1, true)
  end)
end)
