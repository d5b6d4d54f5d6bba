--- Separable convolution of images [batch, height, width, channels]: depthwise, then 1 x 1 over
-- the channels, one bias and activation after both.
local separable = require "lossdbg.nn.separable_conv"

---`nn.separable_conv2d { 32, 3, "relu", padding = "same" }`
return separable(2)
