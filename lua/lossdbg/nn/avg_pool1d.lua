--- Mean of the cells under each window of sequences [batch, steps, channels]. Padding is not
-- counted.
local pooling = require "lossdbg.nn.pooling"

---`nn.avg_pool1d(2)`, `nn.avg_pool1d { 3, strides = 2, padding = "same" }`
return pooling.windows("avg_pool1d", 1)
