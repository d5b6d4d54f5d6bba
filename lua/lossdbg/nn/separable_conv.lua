--- Separable convolutions: a depthwise kernel [.., channels, multiplier], then a pointwise one
-- [1, (1,) channels multiplier, filters].
local activations = require "lossdbg.nn.activation"
local convolution = require "lossdbg.nn.convolution"
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"
local tensors = require "lossdbg.tensor"
local window = require "lossdbg.nn.window"

local kernels = { "depthwise", "pointwise" }

---The kind for n axes.
---@param n integer 1 or 2
---@return fun(given: any): lossdbg.LayerDescription
return function(n)
  local kind = ("separable_conv%dd"):format(n)
  local deep = core.op[("depthwise_conv%dd"):format(n)]
  local wide = core.op[("conv%dd"):format(n)]

  local function shapes(self, channels)
    local given = self.options
    local depthwise = window.sizes(given.kernel, n, "nn." .. kind, "kernel", 1)
    local pointwise = n == 1 and { 1 } or { 1, 1 }
    depthwise[n + 1], depthwise[n + 2] = channels, given.multiplier
    pointwise[n + 1], pointwise[n + 2] = channels * given.multiplier, given.filters
    return depthwise, pointwise
  end

  local function run(self, x, attributes)
    local weights = self.weights
    return wide(deep(x, weights.depthwise, nil, self.plain), weights.pointwise, weights.bias,
      { activation = attributes.activation or "linear" })
  end

  return layer.define {
    kind = kind,
    schema = convolution.schema(n, { convolution.filters(), convolution.kernel(n, 2) },
      { convolution.multiplier() }, kernels),
    check = convolution.checker(n, n == 1 and { "valid", "same", "causal" } or { "valid", "same" },
      kernels),
    infer = function(self, input_shape)
      self.activation = activations.resolve(self.options.activation, "nn." .. kind)
      self.plain = convolution.attributes(self.options, n)
      self.fused = { activation = self.activation.fused }
      local shape = window.output_shape(self, n, input_shape, function(x)
        local depthwise = shapes(self, input_shape[n + 1])
        return deep(x, tensors.zeros(depthwise), nil, self.plain)
      end)
      shape[n + 1] = self.options.filters
      return shape
    end,
    create = function(self, context)
      local depthwise, pointwise = shapes(self, self.input_shape[n + 1])
      convolution.add_kernel(self, context, depthwise, "depthwise")
      convolution.add_kernel(self, context, pointwise, "pointwise")
      convolution.add_bias(self, context, self.options.filters, pointwise)
    end,
    forward = function(self, x, context) return convolution.apply(self, x, context, run) end,
  }
end
