--- Mean of the cells under each window of images [batch, height, width, channels]. Padding is not
-- counted.
local pooling = require "lossdbg.nn.pooling"

---`nn.avg_pool2d(2)`, `nn.avg_pool2d { 3, strides = 2, padding = "same" }`
return pooling.windows("avg_pool2d", 2)
