--- Permute: the axes of every sample in another order, counted from 1 without the batch (Keras).
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local function check(given, where)
  local seen = {}
  for _, axis in ipairs(given.dims) do
    if math.type(axis) ~= "integer" or axis < 1 or axis > #given.dims or seen[axis] then
      options.fail(where, "dims", ("each of 1..%d once"):format(#given.dims), axis,
        axis == 0 and "the batch is not counted" or nil, source.level())
    end
    seen[axis] = true
  end
  if #given.dims == 0 then options.fail(where, "dims", "at least one axis", nil, nil, 2) end
end

local function infer(self, input_shape)
  local dims, shape, order = self.options.dims, {}, { 1 }
  if #dims ~= #input_shape then
    layer.shape_error(self, ("%d axes a sample"):format(#dims), input_shape)
  end
  for i, axis in ipairs(dims) do shape[i], order[i + 1] = input_shape[axis], axis + 1 end
  self.order = order
  return shape
end

---`nn.permute { 2, 1 }`
local describe = layer.define {
  kind = "permute",
  schema = { { name = "dims", type = "table", required = true,
    doc = "axis of the input that each axis of the output is, from 1, without the batch" } },
  check = check,
  infer = infer,
  forward = function(self, x) return x:transpose(self.order):contiguous() end,
}

return function(given)
  if type(given) == "table" and given[1] ~= nil then
    local named = { dims = table.move(given, 1, #given, 1, {}) }
    for key, value in pairs(given) do
      if type(key) ~= "number" then named[key] = value end
    end
    given = named
  end
  return describe(given)
end
