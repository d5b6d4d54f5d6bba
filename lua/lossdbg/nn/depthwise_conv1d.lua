--- Depthwise convolution of sequences [batch, steps, channels]: every channel has filters of
-- its own; kernel [size, channels, multiplier].
local convolution = require "lossdbg.nn.convolution"
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"

---`nn.depthwise_conv1d { 3, "relu", multiplier = 2, padding = "same" }`
return layer.define(convolution.simple {
  kind = "depthwise_conv1d", n = 1, op = core.op.depthwise_conv1d,
  paddings = { "valid", "same", "causal" },
  schema = convolution.schema(1, { convolution.kernel(1, 1) }, { convolution.multiplier() }),
  kernel_shape = function(given, sizes, channels)
    sizes[#sizes + 1] = channels
    sizes[#sizes + 1] = given.multiplier
    return sizes
  end,
  filters = function(given, channels) return channels * given.multiplier end,
})
