--- GRU: z, r = gates of x_t and h, h' = z h + (1 - z) n (columns z, r, n).
-- reset_after (default): n = activation(x_t W + b + r (h U + d)), two rows of biases, as cuDNN and
-- PyTorch (whose columns are r, z, n); else n = activation(x_t W + b + (r h) U), one bias.
local recurrent = require "lossdbg.nn.recurrent"

---`nn.gru { 64, return_sequences = true }`
return recurrent.define({
  kind = "gru", gates = 3, states = 1,
  bias_shape = function(given)
    return given.reset_after and { 2, 3 * given.units } or { 3 * given.units }
  end,
  attributes = function(given, attributes) attributes.reset_after = given.reset_after end,
}, {
  { name = "recurrent_activation", type = "string|table", default = "sigmoid",
    doc = "of the gates, by name" },
  { name = "reset_after", type = "boolean", default = true,
    doc = "apply the reset gate after the recurrent product" },
})
