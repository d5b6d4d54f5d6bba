--- Group normalisation: (x - mean) / sqrt(variance + epsilon) gamma + beta, with the statistics of
-- each sample over all places and the channels of one group. Keras: epsilon 1e-3, PyTorch: 1e-5.
local axes = require "lossdbg.nn.axes"
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local scale_shift = require "lossdbg.nn.scale_shift"
local source = require "lossdbg.support.source"

local group_norm = core.op.group_norm

local function check(given, where)
  scale_shift.check(given, where)
  if given.groups < 1 and given.groups ~= -1 then
    options.fail(where, "groups", "1 or more, or -1 for one group per channel", given.groups, nil,
      source.level())
  end
end

local function infer(self, input_shape)
  self.axes = axes.resolve(self, self.options.axis, input_shape)
  local channels = input_shape[self.axes[1] - 1]
  self.groups = self.options.groups == -1 and channels or self.options.groups
  if channels % self.groups ~= 0 then
    layer.shape_error(self, ("with a multiple of %d channels"):format(self.groups), input_shape,
      ("%d channels do not divide into %d groups; Keras' default is 32"):format(channels,
        self.groups))
  end
  return input_shape
end

local function apply(x, self)
  return group_norm(x, self.weights.gamma, self.weights.beta, self.groups, self.epsilon)
end

---`nn.group_norm(8)`, `nn.group_norm { groups = -1 }` (instance normalisation)
return layer.define {
  kind = "group_norm",
  schema = scale_shift.schema {
    { name = "groups", type = "integer", default = 32, positional = 1, alias = "num_groups",
      doc = "parts of the channels that are normalised apart; -1: each channel" },
    { name = "axis", type = "integer", default = -1, doc = "axis of the channels (batch = 1)" },
    { name = "epsilon", type = "number", min = 0, alias = "eps",
      doc = "default 1e-3; flavor torch: 1e-5" },
    { name = "flavor", type = "string", choices = { "keras", "torch" }, default = "keras",
      doc = "whose formulas and defaults" },
  },
  check = check,
  infer = infer,
  create = function(self, context)
    self.epsilon = self.options.epsilon or (self.options.flavor == "torch" and 1e-5 or 1e-3)
    self.there, self.back = axes.to_end(self.axes, #self.input_shape + 1)
    scale_shift.create(self, context, axes.sizes(self.axes, self.input_shape))
  end,
  forward = function(self, x) return axes.turned(x, self.there, self.back, apply, self) end,
}
