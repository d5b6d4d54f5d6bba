--- Mean of each channel of images [batch, height, width, channels].
local pooling = require "lossdbg.nn.pooling"

---`nn.global_avg_pool2d()`, `nn.global_avg_pool2d { keepdims = true }`
return pooling.whole("global_avg_pool2d", 2, "mean")
