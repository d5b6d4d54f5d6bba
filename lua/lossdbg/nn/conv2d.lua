--- Convolution of images [batch, height, width, channels];
-- kernel [height, width, channels / groups, filters].
local convolution = require "lossdbg.nn.convolution"
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"

---`nn.conv2d { 32, 3, "relu", strides = 2, padding = "same" }`
return layer.define(convolution.simple {
  kind = "conv2d", n = 2, op = core.op.conv2d, paddings = { "valid", "same" },
  schema = convolution.schema(2, { convolution.filters(), convolution.kernel(2, 2) },
    { convolution.groups() }),
  kernel_shape = function(given, sizes, channels)
    sizes[#sizes + 1] = channels // given.groups
    sizes[#sizes + 1] = given.filters
    return sizes
  end,
  filters = function(given) return given.filters end,
})
