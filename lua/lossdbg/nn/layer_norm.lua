--- Layer normalisation: (x - mean) / sqrt(variance + epsilon) gamma + beta, with the statistics of
-- each sample over `axis`; the variance is the biased one. Keras: epsilon 1e-3, PyTorch: 1e-5.
local axes = require "lossdbg.nn.axes"
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"
local scale_shift = require "lossdbg.nn.scale_shift"

local layer_norm = core.op.layer_norm

local function apply(x, self)
  return layer_norm(x, self.weights.gamma, self.weights.beta, -#self.axes, self.epsilon)
end

---`nn.layer_norm()`, `nn.layer_norm { axis = { 2, 3 }, flavor = "torch" }`
return layer.define {
  kind = "layer_norm",
  schema = scale_shift.schema {
    { name = "axis", type = "integer|table", default = -1, positional = 1,
      doc = "axes to normalise over (batch = 1)" },
    { name = "epsilon", type = "number", min = 0, alias = "eps",
      doc = "default 1e-3; flavor torch: 1e-5" },
    { name = "flavor", type = "string", choices = { "keras", "torch" }, default = "keras",
      doc = "whose formulas and defaults" },
  },
  check = scale_shift.check,
  infer = function(self, input_shape)
    self.axes = axes.resolve(self, self.options.axis, input_shape)
    return input_shape
  end,
  create = function(self, context)
    self.epsilon = self.options.epsilon or (self.options.flavor == "torch" and 1e-5 or 1e-3)
    self.there, self.back = axes.to_end(self.axes, #self.input_shape + 1)
    scale_shift.create(self, context, axes.sizes(self.axes, self.input_shape))
  end,
  forward = function(self, x) return axes.turned(x, self.there, self.back, apply, self) end,
}
