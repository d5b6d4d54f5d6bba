--- Layers as Keras writes them, turned into our descriptions. Names and defaults are those of
-- Keras 3; what is not known raises and names the key.
local nn = require "lossdbg.nn"
local options = require "lossdbg.options"

local M = {}

local function fail(path, key, value, expected)
  error(("lossdbg: interop.keras: %s: '%s': expected %s, got %s"):format(path, key, expected,
    options.show(value)), 0)
end

-- { name = "random_normal", stddev = 0.1 } keeps its meaning; our names for the options are Keras'.
local function initializer(spec)
  if type(spec) ~= "table" then return spec end
  local copy = {}
  for key, value in pairs(spec) do copy[key] = value end
  copy.seed = nil
  return copy
end

local function regularizer(spec)
  if type(spec) ~= "table" then return spec end
  return { l1 = spec.l1 or 0, l2 = spec.l2 or 0 }
end

local function activation(spec)
  if spec == "leaky_relu" then return { name = "leaky_relu", slope = 0.2 } end
  return spec
end

local function weighted(from, to)
  to.init = initializer(from.kernel_initializer)
  to.bias_init = initializer(from.bias_initializer)
  to.kernel_regularizer = regularizer(from.kernel_regularizer)
  to.bias_regularizer = regularizer(from.bias_regularizer)
  to.bias = from.use_bias
  to.activation = activation(from.activation)
  to.trainable, to.name = from.trainable, from.name
  return to
end

local function recurrent(kind)
  return function(from)
    return nn[kind](weighted(from, { units = from.units,
      recurrent_init = initializer(from.recurrent_initializer),
      return_sequences = from.return_sequences }))
  end
end

local function convolution(kind)
  return function(from)
    return nn[kind](weighted(from, { filters = from.filters, kernel_size = from.kernel_size,
      strides = from.strides, padding = from.padding, dilation = from.dilation_rate,
      groups = from.groups }))
  end
end

local function pooling(kind)
  return function(from)
    return nn[kind] { pool_size = from.pool_size, strides = from.strides, padding = from.padding }
  end
end

-- Keras' class name in snake_case -> description.
local makers = {
  dense = function(from) return nn.dense(weighted(from, { units = from.units })) end,
  flatten = function() return nn.flatten() end,
  reshape = function(from) return nn.reshape(from.target_shape) end,
  dropout = function(from) return nn.dropout(from.rate) end,
  rescaling = function(from) return nn.rescale { from.scale, offset = from.offset } end,
  activation = function(from) return nn.activation(activation(from.activation)) end,
  re_lu = function() return nn.activation "relu" end,
  leaky_relu = function(from)
    return nn.activation { "leaky_relu", slope = from.negative_slope or 0.3 }
  end,
  softmax = function(from) return nn.activation { "softmax", axis = from.axis } end,
  batch_normalization = function(from)
    return nn.batch_norm { momentum = from.momentum, epsilon = from.epsilon }
  end,
  conv1d = convolution "conv1d", conv2d = convolution "conv2d",
  max_pooling1d = pooling "max_pool1d", max_pooling2d = pooling "max_pool2d",
  average_pooling1d = pooling "avg_pool1d", average_pooling2d = pooling "avg_pool2d",
  global_average_pooling2d = function() return nn.global_avg_pool2d() end,
  global_max_pooling2d = function() return nn.global_max_pool2d() end,
  lstm = recurrent "lstm", gru = recurrent "gru", simple_rnn = recurrent "simple_rnn",
}

--- One layer.
---@param from table options by Keras' names, `layer` the kind in snake_case
---@param index integer place in the model, for messages
---@return table description
function M.layer(from, index)
  local kind = from.layer
  local make = makers[kind]
  local path = ("layer %d (%s)"):format(index, tostring(kind))
  if not make then
    local names = {}
    for name in pairs(makers) do names[#names + 1] = name end
    table.sort(names)
    fail(path, "layer", kind, "one of " .. table.concat(names, ", "))
  end
  return make(from)
end

--- All layers of a sequential model.
---@param list table[]
---@return table[]
function M.all(list)
  local out = {}
  for i, from in ipairs(list) do out[i] = M.layer(from, i) end
  return out
end

return M
