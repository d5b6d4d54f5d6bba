--- Simple RNN: h' = activation(x_t kernel + h recurrent_kernel + bias).
local recurrent = require "lossdbg.nn.recurrent"

---`nn.simple_rnn { 32, return_sequences = true }`
return recurrent.define({ kind = "simple_rnn", gates = 1, states = 1 }, {})
