--- Largest value of each channel of sequences [batch, steps, channels].
local pooling = require "lossdbg.nn.pooling"

---`nn.global_max_pool1d()`, `nn.global_max_pool1d { keepdims = true }`
return pooling.whole("global_max_pool1d", 1, "max")
