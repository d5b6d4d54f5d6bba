--- Mean of each channel of sequences [batch, steps, channels].
local pooling = require "lossdbg.nn.pooling"

---`nn.global_avg_pool1d()`, `nn.global_avg_pool1d { keepdims = true }`
return pooling.whole("global_avg_pool1d", 1, "mean")
