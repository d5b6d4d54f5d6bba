--- LSTM: i, f, g, o = gates of x_t kernel + h recurrent_kernel + bias (columns in this order),
-- c' = f c + i g, h' = o activation(c').
local initializer = require "lossdbg.nn.initializer"
local recurrent = require "lossdbg.nn.recurrent"
local tensors = require "lossdbg.tensor"

-- Ones for the forget gate, so that a new network remembers.
local function bias_init(given)
  if not given.unit_forget_bias then return given.bias_init end
  local init, units = initializer.get(given.bias_init), given.units
  return function(bias, seed, stream, fan_in, fan_out)
    init(bias, seed, stream, fan_in, fan_out)
    tensors.no_grad(function() bias:slice(1, units + 1, 2 * units):fill_(1) end)
    return bias
  end
end

---`nn.lstm { 64, return_sequences = true }`
return recurrent.define({ kind = "lstm", gates = 4, states = 2, bias_init = bias_init }, {
  { name = "recurrent_activation", type = "string|table", default = "sigmoid",
    doc = "of the gates, by name" },
  { name = "unit_forget_bias", type = "boolean", default = true,
    doc = "the bias of the forget gate starts at 1" },
})
