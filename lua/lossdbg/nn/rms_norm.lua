--- Root-mean-square normalisation: x / sqrt(mean(x^2) + epsilon) gamma over `axis` of each sample.
-- Keras: epsilon 1e-6; PyTorch: the distance from 1 to the next number of the type.
local axes = require "lossdbg.nn.axes"
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"
local scale_shift = require "lossdbg.nn.scale_shift"

local rms_norm = core.op.rms_norm

local function epsilon_of(given, dtype)
  if given.epsilon then return given.epsilon end
  if given.flavor ~= "torch" then return 1e-6 end
  return dtype == "f64" and 2.0 ^ -52 or 2.0 ^ -23
end

local function apply(x, self)
  return rms_norm(x, self.weights.gamma, -#self.axes, epsilon_of(self.options, x.dtype))
end

---`nn.rms_norm()`, `nn.rms_norm { axis = { 2, 3 } }`
return layer.define {
  kind = "rms_norm",
  schema = scale_shift.schema({
    { name = "axis", type = "integer|table", default = -1, positional = 1,
      doc = "axes to normalise over (batch = 1)" },
    { name = "epsilon", type = "number", min = 0, alias = "eps",
      doc = "default 1e-6; flavor torch: 2^-23 for f32, 2^-52 for f64" },
    { name = "flavor", type = "string", choices = { "keras", "torch" }, default = "keras",
      doc = "whose formulas and defaults" },
  }, false),
  check = scale_shift.check,
  infer = function(self, input_shape)
    self.axes = axes.resolve(self, self.options.axis, input_shape)
    return input_shape
  end,
  create = function(self, context)
    self.there, self.back = axes.to_end(self.axes, #self.input_shape + 1)
    scale_shift.create(self, context, axes.sizes(self.axes, self.input_shape))
  end,
  forward = function(self, x) return axes.turned(x, self.there, self.back, apply, self) end,
}
