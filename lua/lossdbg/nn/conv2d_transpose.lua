--- Transposed convolution of images [batch, height, width, channels];
-- kernel [height, width, filters, channels].
local convolution = require "lossdbg.nn.convolution"
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"

---`nn.conv2d_transpose { 32, 3, "relu", strides = 2, padding = "same" }`
return layer.define(convolution.simple {
  kind = "conv2d_transpose", n = 2, op = core.op.conv2d_transpose,
  paddings = { "valid", "same" },
  schema = convolution.schema(2, { convolution.filters(), convolution.kernel(2, 2) }, {
    { name = "output_padding", type = "integer|table",
      doc = "cells added at the end; default: what makes the size a multiple of the stride" },
  }),
  kernel_shape = function(given, sizes, channels)
    sizes[#sizes + 1] = given.filters
    sizes[#sizes + 1] = channels
    return sizes
  end,
  filters = function(given) return given.filters end,
})
