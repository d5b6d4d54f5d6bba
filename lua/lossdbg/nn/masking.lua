--- Masking: steps of [batch, steps, features] whose features all equal a value do not count:
-- recurrent layers and attention behind skip them (Keras).
local layer = require "lossdbg.nn.layer"

---`nn.masking()`, `nn.masking(-1)`
return layer.define {
  kind = "masking",
  schema = { { name = "mask_value", type = "number", positional = 1, default = 0,
    doc = "steps that hold nothing else are left out" } },
  infer = function(self, input_shape)
    if #input_shape ~= 2 then
      layer.shape_error(self, "[batch, steps, features]", input_shape)
    end
    return input_shape
  end,
  forward = function(self, x, context)
    local counts = x:ne(self.options.mask_value):max(-1)
    context.mask = counts
    return x:mul(counts:unsqueeze(3):cast(x.dtype))
  end,
}
