--- Repeat vector: [batch, features] to [batch, n, features].
local layer = require "lossdbg.nn.layer"

---`nn.repeat_vector(5)`
return layer.define {
  kind = "repeat_vector",
  schema = {
    { name = "n", type = "integer", min = 1, max = 2 ^ 31 - 1, positional = 1, required = true,
      doc = "number of copies" },
  },
  infer = function(self, input_shape)
    if #input_shape ~= 1 then
      layer.shape_error(self, "[batch, features]", input_shape,
        #input_shape > 1 and "flatten it first, or take the last step of a sequence" or nil)
    end
    return { self.options.n, input_shape[1] }
  end,
  forward = function(self, x) return x:unsqueeze(2):expand { -1, self.options.n, -1 } end,
}
