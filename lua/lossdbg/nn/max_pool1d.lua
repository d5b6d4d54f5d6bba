--- Largest cell of each window of sequences [batch, steps, channels].
local pooling = require "lossdbg.nn.pooling"

---`nn.max_pool1d(2)`, `nn.max_pool1d { 3, strides = 2, padding = "same" }`
return pooling.windows("max_pool1d", 1)
