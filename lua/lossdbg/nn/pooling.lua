--- Pooling layers: over windows, and over everything but the channels.
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"
local window = require "lossdbg.nn.window"

local M = {}

local paddings = { "valid", "same" }

local function attributes(given, n, where)
  local name, pads = window.padding(given.padding, n, where, paddings)
  return {
    pool = window.attribute(window.sizes(given.pool, n, where, "pool", 1), n),
    strides = window.attribute(window.sizes(given.strides, n, where, "strides", 1), n),
    padding = name, pads = pads, count_pads = given.count_pads,
  }
end

---A kind that pools over windows.
---@param kind string also the name of the op
---@param n integer axes: 1 or 2
---@return fun(given: any): lossdbg.LayerDescription
function M.windows(kind, n)
  local op, sizes = core.op[kind], n == 1 and "integer" or "integer|table"
  local schema = {
    { name = "pool", alias = "pool_size", type = sizes, positional = 1, default = 2,
      doc = "size of the window" },
    { name = "strides", alias = "stride", type = sizes, positional = 2,
      doc = "default: the pool, so that windows do not overlap" },
    { name = "padding", type = "string|" .. sizes, default = "valid",
      doc = "\"valid\", \"same\", or cells on each side" },
  }
  if kind:sub(1, 3) == "avg" then
    schema[#schema + 1] = { name = "count_pads", alias = "count_include_pad", type = "boolean",
      default = false, doc = "true: padding counts as zeros, as PyTorch does by default" }
  end
  return layer.define {
    kind = kind, schema = schema,
    check = function(given, where) attributes(given, n, where) end,
    infer = function(self, input_shape)
      self.attributes = attributes(self.options, n, "nn." .. kind)
      return window.output_shape(self, n, input_shape, function(x)
        return op(x, self.attributes)
      end)
    end,
    forward = function(self, x) return op(x, self.attributes) end,
  }
end

---A kind that reduces all axes but batch and channels.
---@param kind string
---@param n integer
---@param op string reducing op
---@return fun(given: any): lossdbg.LayerDescription
function M.whole(kind, n, op)
  local reduce = core.op[op]
  local axes = n == 1 and { 2 } or { 2, 3 }
  return layer.define {
    kind = kind,
    schema = { { name = "keepdims", type = "boolean", default = false,
      doc = "true: the reduced axes stay with size 1" } },
    infer = function(self, input_shape)
      window.check_rank(self, n, input_shape)
      local channels = input_shape[n + 1]
      if not self.options.keepdims then return { channels } end
      return n == 1 and { 1, channels } or { 1, 1, channels }
    end,
    forward = function(self, x) return reduce(x, axes, self.options.keepdims) end,
  }
end

return M
