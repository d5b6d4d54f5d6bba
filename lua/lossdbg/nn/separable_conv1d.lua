--- Separable convolution of sequences [batch, steps, channels]: depthwise, then 1 x 1 over
-- the channels, one bias and activation after both.
local separable = require "lossdbg.nn.separable_conv"

---`nn.separable_conv1d { 32, 3, "relu", padding = "same" }`
return separable(1)
