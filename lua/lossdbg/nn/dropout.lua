--- Dropout (inverted): in training every value is zeroed with probability `rate`, the rest is
-- divided by 1 - rate; outside training it does nothing.
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"

---`nn.dropout(0.2)`
return layer.define {
  kind = "dropout",
  schema = {
    { name = "rate", type = "number", min = 0, max = 1, positional = 1, required = true,
      doc = "share of values set to zero" },
    { name = "seed", type = "integer", min = 0, doc = "default: the seed of the run" },
  },
  infer = function(_, input_shape) return input_shape end,
  create = function(self, context) self.seed = self.options.seed or context.seed end,
  forward = function(self, x, context)
    local rate = self.options.rate
    if not context.training or rate == 0 then return x end
    local step, owner = context.step, nil
    if not step then
      step, owner = (self.calls or 0) + 1, self
      self.calls = step
    end
    local stream = core.random.stream("dropout/" .. self.path, step, context.call or 0, owner)
    return core.op.dropout(x, rate, self.seed, stream)
  end,
}
