--- Spatial dropout: in training whole channels of a sample are zeroed with probability rate, the
-- rest is divided by 1 - rate; outside training it does nothing. For steps, images and volumes.
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"
local noise = require "lossdbg.nn.noise"
local tensors = require "lossdbg.tensor"

local function infer(self, input_shape)
  if #input_shape < 2 then
    layer.shape_error(self, "[batch, places.., channels]", input_shape,
      "without places it is nn.dropout")
  end
  return input_shape
end

---`nn.spatial_dropout(0.2)`
return layer.define {
  kind = "spatial_dropout",
  schema = {
    { name = "rate", type = "number", min = 0, max = 1, positional = 1, required = true,
      doc = "share of channels set to zero" },
    noise.seed_option,
  },
  infer = infer,
  create = noise.create,
  forward = function(self, x, context)
    local rate = self.options.rate
    if not context.training or rate == 0 then return x end
    local seed, stream = noise.stream(self, context)
    local shape = x.shape
    for axis = 2, #shape - 1 do shape[axis] = 1 end
    return x:mul(core.op.dropout(tensors.ones(shape, x.dtype), rate, seed, stream))
  end,
}
