--- Depthwise convolution of images [batch, height, width, channels]: every channel has filters of
-- its own; kernel [height, width, channels, multiplier].
local convolution = require "lossdbg.nn.convolution"
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"

---`nn.depthwise_conv2d { 3, "relu", multiplier = 2, padding = "same" }`
return layer.define(convolution.simple {
  kind = "depthwise_conv2d", n = 2, op = core.op.depthwise_conv2d,
  paddings = { "valid", "same" },
  schema = convolution.schema(2, { convolution.kernel(2, 1) }, { convolution.multiplier() }),
  kernel_shape = function(given, sizes, channels)
    sizes[#sizes + 1] = channels
    sizes[#sizes + 1] = given.multiplier
    return sizes
  end,
  filters = function(given, channels) return channels * given.multiplier end,
})
