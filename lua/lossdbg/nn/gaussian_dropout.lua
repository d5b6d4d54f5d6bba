--- Gaussian dropout: in training x N(1, sqrt(rate / (1 - rate))), outside training x.
local layer = require "lossdbg.nn.layer"
local noise = require "lossdbg.nn.noise"

---`nn.gaussian_dropout(0.2)`
return layer.define {
  kind = "gaussian_dropout",
  schema = {
    { name = "rate", type = "number", min = 0, open_max = 1, positional = 1, required = true,
      doc = "as for dropout: the noise has the same variance" },
    noise.seed_option,
  },
  infer = function(_, input_shape) return input_shape end,
  create = noise.create,
  forward = function(self, x, context)
    local rate = self.options.rate
    if not context.training or rate == 0 then return x end
    return x:mul(noise.normal(self, context, x, 1, math.sqrt(rate / (1 - rate))))
  end,
}
