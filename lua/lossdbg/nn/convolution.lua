--- What all convolution layers share: options, parameters, forward with activation and taps.
local activations = require "lossdbg.nn.activation"
local initializer = require "lossdbg.nn.initializer"
local regularizer = require "lossdbg.nn.regularizer"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"
local window = require "lossdbg.nn.window"

local M = {}

local positive = { type = "integer", min = 1, max = 2 ^ 31 - 1 }

---Options of a kind.
---@param n integer axes: 1 or 2
---@param leading lossdbg.option[] positional options before the activation
---@param more? lossdbg.option[] further ones
---@param kernels? string[] names of the kernels, each with an initialiser and a penalty
---@return lossdbg.option[]
function M.schema(n, leading, more, kernels)
  local list = table.move(leading, 1, #leading, 1, {})
  local sizes = n == 1 and "integer" or "integer|table"
  local function option(o) list[#list + 1] = o end
  option { name = "activation", type = "string|table|function", positional = #leading + 1,
    doc = "name of the activation; none is linear" }
  option { name = "strides", alias = "stride", type = sizes, default = 1,
    doc = "cells between two windows" }
  option { name = "padding", type = "string|" .. sizes, default = "valid",
    doc = "\"valid\", \"same\", or cells on each side" }
  option { name = "dilation", alias = "dilation_rate", type = sizes, default = 1,
    doc = "distance of the kernel's cells" }
  for _, o in ipairs(more or {}) do option(o) end
  for _, kernel in ipairs(kernels or { "kernel" }) do
    local plain = kernel == "kernel"
    option { name = plain and "init" or kernel .. "_init",
      alias = plain and { "kernel_initializer", "kernel_init" } or kernel .. "_initializer",
      default = "glorot_uniform", doc = "initialiser of the " .. kernel }
    option { name = kernel .. "_regularizer", type = "string|table",
      doc = "penalty on the " .. kernel }
  end
  option { name = "bias", type = "boolean", alias = "use_bias", default = true,
    doc = "add a learnt offset to each output" }
  option { name = "bias_init", alias = "bias_initializer", default = "zeros",
    doc = "initialiser of the bias" }
  option { name = "l1", type = "number", min = 0, doc = "penalty l1 sum |w| on the kernels" }
  option { name = "l2", type = "number", min = 0, doc = "penalty l2 sum w^2 on the kernels" }
  option { name = "bias_regularizer", type = "string|table",
    doc = "penalty on the bias" }
  option { name = "activity_regularizer", type = "string|table",
    doc = "on the outputs, divided by the batch size" }
  return list
end

function M.filters()
  return { name = "filters", type = positive.type, min = 1, max = positive.max, positional = 1,
    required = true, doc = "number of output channels" }
end

function M.kernel(n, place)
  return { name = "kernel", alias = "kernel_size", type = n == 1 and "integer" or "integer|table",
    positional = place, required = true, doc = "size of the window" }
end

function M.groups()
  return { name = "groups", type = positive.type, min = 1, max = positive.max, default = 1,
    doc = "parts of the channels that do not mix" }
end

function M.multiplier()
  return { name = "multiplier", alias = "depth_multiplier", type = positive.type, min = 1,
    max = 2 ^ 20, default = 1, doc = "filters of each channel" }
end

---The check of a kind's options.
---@param n integer
---@param paddings string[]
---@param kernels? string[]
function M.checker(n, paddings, kernels)
  return function(given, where)
    activations.resolve(given.activation, where)
    window.sizes(given.kernel, n, where, "kernel", 1)
    window.sizes(given.strides, n, where, "strides", 1)
    window.sizes(given.dilation, n, where, "dilation", 1)
    window.padding(given.padding, n, where, paddings)
    if given.output_padding ~= nil then
      window.sizes(given.output_padding, n, where, "output_padding", 0)
    end
    initializer.get(given.bias_init, source.level())
    for _, kernel in ipairs(kernels or { "kernel" }) do
      initializer.get(given[kernel == "kernel" and "init" or kernel .. "_init"], source.level())
      local name = kernel .. "_regularizer"
      given[name] = regularizer.internal.resolve(given[name], where, name)
    end
    for _, name in ipairs { "bias_regularizer", "activity_regularizer" } do
      given[name] = regularizer.internal.resolve(given[name], where, name)
    end
  end
end

---The attributes of the op.
---@param given table options
---@param n integer
---@param activation? string fused activation
---@return table
function M.attributes(given, n, activation)
  local name, pads = window.padding(given.padding, n, "nn", { "valid", "same", "causal" })
  return {
    strides = window.attribute(window.sizes(given.strides, n, "nn", "strides", 1), n),
    dilation = window.attribute(window.sizes(given.dilation, n, "nn", "dilation", 1), n),
    output_padding = window.attribute(
      window.sizes(given.output_padding, n, "nn", "output_padding", 0), n),
    groups = given.groups, padding = name, pads = pads, activation = activation,
  }
end

---Adds a kernel, with the penalty that belongs to it.
---@param self lossdbg.Layer
---@param context table
---@param shape integer[]
---@param kernel? string its name; default "kernel"
function M.add_kernel(self, context, shape, kernel)
  local given = self.options
  kernel = kernel or "kernel"
  self:add_parameter(context, kernel, shape,
    given[kernel == "kernel" and "init" or kernel .. "_init"],
    regularizer.internal.add(given[kernel .. "_regularizer"], given.l1, given.l2))
end

---Adds the bias, if wanted.
---@param self lossdbg.Layer
---@param context table
---@param filters integer
---@param kernel_shape integer[] gives the fan-in for PyTorch's initialiser
function M.add_bias(self, context, filters, kernel_shape)
  local given = self.options
  if not given.bias then return end
  local init = initializer.get(given.bias_init)
  local fan_in = init.name == "torch_linear" and initializer.fans(kernel_shape) or nil
  self:add_parameter(context, "bias", { filters }, init, given.bias_regularizer, fan_in)
end

---Applies `run(self, x, attributes)`, the convolution with bias, and the activation: fused where it
---can be, apart where somebody looks at the value before it.
---@param self lossdbg.Layer
---@param x userdata
---@param context table
---@param run fun(self: lossdbg.Layer, x: userdata, attributes: table): userdata
---@return userdata
function M.apply(self, x, context, run)
  local activation = self.activation
  local bare = context.logits == self and activations.is_probability(activation)
  if activation.fused and not context.tap and not bare then return run(self, x, self.fused) end
  local z = run(self, x, self.plain)
  if context.tap then context.tap(self, "before", z) end
  return bare and z or activation.apply(z)
end

---A kind with one kernel: everything from the kernel's shape and the op.
---@param class { kind: string, n: integer, schema: lossdbg.option[], paddings: string[],
---  op: function, kernel_shape: fun(given: table, sizes: integer[], channels: integer): integer[],
---  filters: fun(given: table, channels: integer): integer }
---@return table class for layer.define
function M.simple(class)
  local n, op = class.n, class.op
  local function shape_of(self, channels)
    local sizes = window.sizes(self.options.kernel, n, "nn." .. class.kind, "kernel", 1)
    return class.kernel_shape(self.options, sizes, channels)
  end
  local function run(self, x, attributes)
    return op(x, self.weights.kernel, self.weights.bias, attributes)
  end
  return {
    kind = class.kind, schema = class.schema, check = M.checker(n, class.paddings),
    infer = function(self, input_shape)
      self.activation = activations.resolve(self.options.activation, "nn." .. class.kind)
      self.plain = M.attributes(self.options, n)
      self.fused = M.attributes(self.options, n, self.activation.fused)
      return window.output_shape(self, n, input_shape, function(x)
        local shape = shape_of(self, input_shape[n + 1])
        return op(x, tensors.zeros(shape), nil, self.plain)
      end)
    end,
    create = function(self, context)
      local channels = self.input_shape[n + 1]
      local shape = shape_of(self, channels)
      M.add_kernel(self, context, shape)
      M.add_bias(self, context, class.filters(self.options, channels), shape)
    end,
    forward = function(self, x, context) return M.apply(self, x, context, run) end,
  }
end

return M
