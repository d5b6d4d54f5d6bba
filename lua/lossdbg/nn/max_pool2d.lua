--- Largest cell of each window of images [batch, height, width, channels].
local pooling = require "lossdbg.nn.pooling"

---`nn.max_pool2d(2)`, `nn.max_pool2d { 3, strides = 2, padding = "same" }`
return pooling.windows("max_pool2d", 2)
