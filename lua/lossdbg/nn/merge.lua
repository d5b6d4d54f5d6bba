--- Merge layers: several inputs, one output. add, subtract, multiply, average, maximum and minimum
-- work elementwise and broadcast (axes aligned from the right, behind the batch), as in Keras;
-- concat joins along an axis; dot contracts one axis of each.
--   nn.add { a, b }    nn.concat { a, b, axis = -1 }    local join = nn.add(); join { a, b }
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local symbolic = require "lossdbg.nn.symbolic"

local op = core.op

local M = {}

-- The constructor: symbolic values in the list part are what the new layer is called on.
local function constructor(describe)
  return function(given)
    if symbolic.is_symbolic(given) then given = { given } end
    if type(given) ~= "table" or getmetatable(given) ~= nil then return describe(given) end
    local named, values, n = {}, {}, 0
    for key, value in pairs(given) do
      if math.type(key) == "integer" then
        values[key], n = value, math.max(n, key)
      else
        named[key] = value
      end
    end
    local description = describe(named)
    if n == 0 then return description end
    return symbolic.call(description, table.unpack(values, 1, n))
  end
end

local function texts(shapes)
  local list = {}
  for i, shape in ipairs(shapes) do list[i] = layer.shape_text(shape) end
  return table.concat(list, ", ")
end

local function fail(self, expected, shapes, cause)
  local at = self.source and (" (written in " .. self.source .. ")") or ""
  error(("lossdbg: layer '%s'%s: expected %s, got %s%s"):format(self.path, at, expected,
    texts(shapes), cause and (" (" .. cause .. ")") or ""), source.level())
end

-- ---- elementwise -------------------------------------------------------------------------------

local function broadcast_shape(self, shapes)
  local rank = 0
  for _, shape in ipairs(shapes) do rank = math.max(rank, #shape) end
  local result = {}
  for axis = 1, rank do
    local size = 1
    for _, shape in ipairs(shapes) do
      local mine = shape[axis - rank + #shape] or 1
      if size ~= 1 and mine ~= 1 and mine ~= size then
        fail(self, "inputs of one shape (or that broadcast)", shapes,
          self.path:find("residual", 1, true)
          and "the block changes the shape: give it shortcut = nn.dense(...)" or nil)
      end
      size = math.max(size, mine)
    end
    result[axis] = size
  end
  return result
end

-- An input with as many axes as the output, new ones behind the batch.
local function aligned(x, rank)
  local shape = x.shape
  if #shape == rank then return x end
  local wide = { shape[1] }
  for _ = 1, rank - #shape do wide[#wide + 1] = 1 end
  return x:reshape(table.move(shape, 2, #shape, #wide + 1, wide))
end

local function define(kind, most, combine, finish)
  M[kind] = constructor(layer.define {
    kind = kind,
    inputs = { 2, most },
    schema = {},
    infer = broadcast_shape,
    forward = function(self, inputs)
      local rank = #self.output_shape + 1
      local y = aligned(inputs[1], rank)
      for i = 2, #inputs do y = combine(y, aligned(inputs[i], rank)) end
      return finish and finish(y, #inputs) or y
    end,
  })
end

---`nn.add { a, b, c }`: a + b + c
define("add", math.huge, op.add)
---`nn.subtract { a, b }`: a - b
define("subtract", 2, op.sub)
---`nn.multiply { a, b }`: a b
define("multiply", math.huge, op.mul)
---`nn.average { a, b }`: (a + b) / 2
define("average", math.huge, op.add, function(y, n) return y:div(n) end)
---`nn.maximum { a, b }`: the larger of each pair
define("maximum", math.huge, op.maximum)
---`nn.minimum { a, b }`: the smaller of each pair
define("minimum", math.huge, op.minimum)

-- ---- concat ------------------------------------------------------------------------------------

-- The axis of the batched tensor, counted from 1.
local function place_of(self, axis, rank, name)
  local place = axis < 0 and rank + 1 + axis or axis
  if place < 2 or place > rank then
    error(("lossdbg: layer '%s': argument '%s': expected an axis from 2 to %d (1 is the batch) " ..
      "or negative from the end, got %d"):format(self.path, name, rank, axis), source.level())
  end
  return place
end

local function concat_shape(self, shapes)
  local rank = #shapes[1] + 1
  self.place = place_of(self, self.options.axis, rank, "axis")
  local result = table.move(shapes[1], 1, rank - 1, 1, {})
  result[self.place - 1] = 0
  for _, shape in ipairs(shapes) do
    local fits = #shape == rank - 1
    for i = 1, rank - 1 do fits = fits and (i == self.place - 1 or shape[i] == result[i]) end
    if not fits then
      fail(self, ("inputs that differ in axis %d alone"):format(self.place), shapes)
    end
    result[self.place - 1] = result[self.place - 1] + shape[self.place - 1]
  end
  return result
end

---`nn.concat { a, b, axis = -1 }`: one behind the other
M.concat = constructor(layer.define {
  kind = "concat",
  inputs = { 2, math.huge },
  schema = {
    { name = "axis", type = "integer", default = -1, doc = "batch = 1; negative from the end" },
  },
  infer = concat_shape,
  forward = function(self, inputs) return op.concat(inputs, self.place) end,
})

-- ---- dot ---------------------------------------------------------------------------------------

local function without(shape, axis)
  local rest = table.move(shape, 1, #shape, 1, {})
  table.remove(rest, axis - 1)
  return rest
end

local function dot_shape(self, shapes)
  local axes = self.options.axes
  if type(axes) ~= "table" then axes = { axes, axes } end
  local a, b = shapes[1], shapes[2]
  self.first = place_of(self, axes[1], #a + 1, "axes")
  self.second = place_of(self, axes[2], #b + 1, "axes")
  if a[self.first - 1] ~= b[self.second - 1] then
    fail(self, ("axis %d of the first input as long as axis %d of the second"):format(self.first,
      self.second), shapes)
  end
  local left, right = without(a, self.first), without(b, self.second)
  local shape = table.move(right, 1, #right, #left + 1, table.move(left, 1, #left, 1, {}))
  return #shape > 0 and shape or { 1 }
end

-- The contracted axis brought to the end, the others in one: [batch, others, axis].
local function folded(x, axis, normalize)
  if normalize then
    local norm = x:square():sum(axis, true):sqrt()
    x = x:mul(norm:reciprocal():minimum(1e7)) -- as keras.ops.normalize
  end
  local rank, order = x.rank, {}
  for i = 1, rank do
    if i ~= axis then order[#order + 1] = i end
  end
  order[rank] = axis
  local size = x.shape[axis]
  return x:transpose(order):reshape { x.shape[1], -1, size }
end

local function check_axes(given, where)
  local list = type(given.axes) == "table" and given.axes or { given.axes, given.axes }
  if #list ~= 2 or math.type(list[1]) ~= "integer" or math.type(list[2]) ~= "integer" then
    options.fail(where, "axes", "one axis, or one of each input", given.axes, nil, source.level())
  end
end

---`nn.dot { a, b, axes = -1, normalize = false }`: sum over one axis of each, sample by sample;
---normalize: cosine of the angle
M.dot = constructor(layer.define {
  kind = "dot",
  inputs = { 2, 2 },
  schema = {
    { name = "axes", type = "integer|table", default = -1,
      doc = "contracted axis (batch = 1), or { of the first, of the second }" },
    { name = "normalize", type = "boolean", default = false, doc = "each to length 1 first" },
  },
  check = check_axes,
  infer = dot_shape,
  forward = function(self, inputs)
    local normalize = self.options.normalize
    local left = folded(inputs[1], self.first, normalize)
    local right = folded(inputs[2], self.second, normalize)
    local y = op.matmul(left, right, false, true)
    return y:reshape { y.shape[1], table.unpack(self.output_shape) }
  end,
})

return M
