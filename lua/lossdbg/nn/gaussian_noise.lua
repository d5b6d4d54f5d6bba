--- Gaussian noise: in training x + N(0, stddev), outside training x.
local layer = require "lossdbg.nn.layer"
local noise = require "lossdbg.nn.noise"

---`nn.gaussian_noise(0.1)`
return layer.define {
  kind = "gaussian_noise",
  schema = {
    { name = "stddev", type = "number", min = 0, max = 1, positional = 1, required = true,
      alias = "std", doc = "standard deviation of the noise, 0..1" },
    noise.seed_option,
  },
  infer = function(_, input_shape) return input_shape end,
  create = noise.create,
  forward = function(self, x, context)
    local std = self.options.stddev
    if not context.training or std == 0 then return x end
    return x:add(noise.normal(self, context, x, 0, std))
  end,
}
