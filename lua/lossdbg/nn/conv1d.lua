--- Convolution of sequences [batch, steps, channels]; kernel [size, channels / groups,
-- filters].
local convolution = require "lossdbg.nn.convolution"
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"

---`nn.conv1d { 32, 3, "relu", strides = 2, padding = "same" }`
return layer.define(convolution.simple {
  kind = "conv1d", n = 1, op = core.op.conv1d, paddings = { "valid", "same", "causal" },
  schema = convolution.schema(1, { convolution.filters(), convolution.kernel(1, 2) },
    { convolution.groups() }),
  kernel_shape = function(given, sizes, channels)
    sizes[#sizes + 1] = channels // given.groups
    sizes[#sizes + 1] = given.filters
    return sizes
  end,
  filters = function(given) return given.filters end,
})
