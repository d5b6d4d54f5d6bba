--- Zeros around sequences and images.
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local window = require "lossdbg.nn.window"

local pad = core.op.pad

local function is_size(v) return math.type(v) == "integer" and v >= 0 and v < 2 ^ 31 end

-- One integer, or { before, after }; nil when it is neither.
local function both(v)
  if is_size(v) then return v, v end
  if type(v) == "table" and #v == 2 and is_size(v[1]) and is_size(v[2]) then return v[1], v[2] end
end

-- before and after each of the n axes; nil when the option has another form
local function cells(value, n)
  local list = n == 1 and { value } or type(value) == "table" and value or { value, value }
  local pads = {}
  for i = 1, #list do
    pads[2 * i - 1], pads[2 * i] = both(list[i])
  end
  return #list == n and #pads == 2 * n and pads or nil
end

local function define(n)
  local kind = ("zero_padding%dd"):format(n)
  local form = n == 1 and "an integer or { before, after }"
    or "an integer, { height, width } or { { top, bottom }, { left, right } }"
  return layer.define {
    kind = kind,
    schema = { { name = "padding", type = "integer|table", positional = 1, default = 1,
      doc = form } },
    check = function(given, where)
      if not cells(given.padding, n) then
        options.fail(where, "padding", form, given.padding, nil, source.level())
      end
    end,
    infer = function(self, input_shape)
      window.check_rank(self, n, input_shape)
      local pads, shape = cells(self.options.padding, n), { table.unpack(input_shape) }
      for i = 1, n do shape[i] = shape[i] + pads[2 * i - 1] + pads[2 * i] end
      self.pads = { 0, 0, table.unpack(pads) }
      table.move({ 0, 0 }, 1, 2, #self.pads + 1, self.pads)
      return shape
    end,
    forward = function(self, x) return pad(x, self.pads) end,
  }
end

---`nn.zero_padding1d(2)`, `nn.zero_padding2d { padding = { { 1, 2 }, { 0, 1 } } }`
return { zero_padding1d = define(1), zero_padding2d = define(2) }
