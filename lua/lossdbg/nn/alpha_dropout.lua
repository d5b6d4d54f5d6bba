--- Alpha dropout, for networks of selu units: in training values are set to alpha' = -1.7581 with
-- probability rate, and a x + b keeps mean 0 and variance 1:
-- a = ((1 - rate) (1 + rate alpha'^2))^(-1/2), b = -a alpha' rate. Outside training x.
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"
local noise = require "lossdbg.nn.noise"
local tensors = require "lossdbg.tensor"

local floor_value = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946

---`nn.alpha_dropout(0.1)`
return layer.define {
  kind = "alpha_dropout",
  schema = {
    { name = "rate", type = "number", min = 0, open_max = 1, positional = 1, required = true,
      doc = "share of values set to the lowest value of selu" },
    noise.seed_option,
  },
  infer = function(_, input_shape) return input_shape end,
  create = noise.create,
  forward = function(self, x, context)
    local rate = self.options.rate
    if not context.training or rate == 0 then return x end
    local seed, stream = noise.stream(self, context)
    local a = ((1 - rate) * (1 + rate * floor_value ^ 2)) ^ -0.5
    local b = -a * floor_value * rate
    local drawn = core.random.uniform(tensors.zeros(x.shape, x.dtype), seed, stream)
    local kept = drawn:ge(rate):cast(x.dtype)
    return x:mul(kept:mul(a)):add(kept:mul(-a * floor_value):add(a * floor_value + b))
  end,
}
