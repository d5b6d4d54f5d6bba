--- Transposed convolution of sequences [batch, steps, channels]; kernel [size, filters,
-- channels].
local convolution = require "lossdbg.nn.convolution"
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"

---`nn.conv1d_transpose { 32, 3, "relu", strides = 2, padding = "same" }`
return layer.define(convolution.simple {
  kind = "conv1d_transpose", n = 1, op = core.op.conv1d_transpose,
  paddings = { "valid", "same" },
  schema = convolution.schema(1, { convolution.filters(), convolution.kernel(1, 2) }, {
    { name = "output_padding", type = "integer",
      doc = "cells added at the end; default: what makes the size a multiple of the stride" },
  }),
  kernel_shape = function(given, sizes, channels)
    sizes[#sizes + 1] = given.filters
    sizes[#sizes + 1] = channels
    return sizes
  end,
  filters = function(given) return given.filters end,
})
