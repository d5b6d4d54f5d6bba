--- Dense layer: y = f(x w + b), kernel [in, out], on the last axis.
local core = require "lossdbg.core"
local activations = require "lossdbg.nn.activation"
local initializer = require "lossdbg.nn.initializer"
local layer = require "lossdbg.nn.layer"
local regularizer = require "lossdbg.nn.regularizer"
local source = require "lossdbg.support.source"

local dense = core.op.dense

local function check(given, where)
  activations.resolve(given.activation, where)
  initializer.get(given.init, source.level())
  initializer.get(given.bias_init, source.level())
  for _, name in ipairs { "kernel_regularizer", "bias_regularizer", "activity_regularizer" } do
    given[name] = regularizer.internal.resolve(given[name], where, name)
  end
end

local function infer(self, input_shape)
  if #input_shape == 0 then
    layer.shape_error(self, "at least [batch, features]", input_shape,
      "one number a sample: reshape the data to [batch, 1]")
  end
  if input_shape[#input_shape] < 1 then
    layer.shape_error(self, "at least one feature", input_shape)
  end
  local shape = table.move(input_shape, 1, #input_shape, 1, {})
  shape[#shape] = self.options.units
  return shape
end

local function create(self, context)
  local given, n_in = self.options, self.input_shape[#self.input_shape]
  self.activation = activations.resolve(given.activation, "nn.dense")
  self:add_parameter(context, "kernel", { n_in, given.units }, given.init,
    regularizer.internal.add(given.kernel_regularizer, given.l1, given.l2))
  if given.bias then
    local init = initializer.get(given.bias_init)
    local fan_in = init.name == "torch_linear" and n_in or nil -- torch scales biases by the kernel
    self:add_parameter(context, "bias", { given.units }, init, given.bias_regularizer, fan_in)
  end
end

local function forward(self, x, context)
  local weights, activation = self.weights, self.activation
  if context.tap then
    local z = dense(x, weights.kernel, weights.bias)
    context.tap(self, "before", z)
    if context.logits == self and activations.is_probability(activation) then return z end
    return activation.apply(z)
  end
  if context.logits == self and activations.is_probability(activation) then
    return dense(x, weights.kernel, weights.bias)
  elseif activation.fused then
    return dense(x, weights.kernel, weights.bias, activation.fused)
  end
  return activation.apply(dense(x, weights.kernel, weights.bias))
end

---`nn.dense { 32, "relu", init = "he_normal", l2 = 1e-4 }`, `nn.dense(10)`
return layer.define {
  kind = "dense",
  schema = {
    { name = "units", type = "integer", min = 1, max = 2 ^ 31 - 1, positional = 1, required = true,
      doc = "number of outputs" },
    { name = "activation", type = "string|table|function", positional = 2,
      doc = "name of the activation; none is linear" },
    { name = "init", alias = { "kernel_initializer", "kernel_init" }, default = "glorot_uniform",
      doc = "initialiser of the kernel" },
    { name = "bias", type = "boolean", alias = "use_bias", default = true,
      doc = "add a learnt offset to each output" },
    { name = "bias_init", alias = "bias_initializer", default = "zeros",
      doc = "initialiser of the bias" },
    { name = "l1", type = "number", min = 0, doc = "penalty l1 sum |w| on the kernel" },
    { name = "l2", type = "number", min = 0, doc = "penalty l2 sum w^2 on the kernel" },
    { name = "kernel_regularizer", type = "string|table",
      doc = "penalty on the kernel, such as { l2 = 1e-4 }" },
    { name = "bias_regularizer", type = "string|table",
      doc = "penalty on the bias" },
    { name = "activity_regularizer", type = "string|table",
      doc = "on the outputs, divided by the batch size" },
  },
  check = check,
  infer = infer,
  create = create,
  forward = forward,
}
