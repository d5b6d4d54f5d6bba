--- Flatten: every sample becomes one row; the batch axis stays.
local layer = require "lossdbg.nn.layer"

return layer.define {
  kind = "flatten",
  schema = {},
  infer = function(_, input_shape)
    local size = 1
    for _, n in ipairs(input_shape) do size = size * n end
    return { size }
  end,
  forward = function(self, x)
    if x.rank == 2 then return x end
    return x:reshape { x.shape[1], self.output_shape[1] }
  end,
}
