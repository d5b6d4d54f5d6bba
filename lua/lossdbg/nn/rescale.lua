--- Rescale: y = x scale + offset, for inputs with a known range (pixels: 1 / 255).
local layer = require "lossdbg.nn.layer"

return layer.define {
  kind = "rescale",
  schema = {
    { name = "scale", type = "number", positional = 1, required = true,
      doc = "factor" },
    { name = "offset", type = "number", positional = 2, default = 0,
      doc = "added after the factor" },
  },
  infer = function(_, input_shape) return input_shape end,
  forward = function(self, x)
    local y = x:mul(self.options.scale)
    if self.options.offset ~= 0 then y = y:add(self.options.offset) end
    return y
  end,
}
