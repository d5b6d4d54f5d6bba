--- ONNX operators that move values to other places, and the arithmetic on sizes that exporters
-- write around them.
local build = require "lossdbg.interop.onnx_build"
local core = require "lossdbg.core"
local nn = require "lossdbg.nn"
local tensors = require "lossdbg.tensor"

local refuse = build.refuse
local rows = {}

-- Sizes with the batch in front, in ONNX's order.
local function sizes_of(value)
  if value.dirs then -- of a recurrent layer: [steps, directions, batch, units], or turned
    local steps, units = value.shape[1], value.shape[2] // value.dirs
    return value.turned and { steps, "batch", value.dirs, units }
      or { steps, value.dirs, "batch", units }
  end
  local list = { "batch", table.unpack(value.shape) }
  if value.swapped then list[1], list[2] = list[2], list[1] end
  return list
end

function rows.Shape(self, node)
  local value = self:input(node, 1)
  local list = value.sym and sizes_of(value) or value.tensor.shape
  local first, last = node.attributes.start or 0, node.attributes["end"] or #list
  if first < 0 then first = #list + first end
  if last < 0 then last = #list + last end
  return { list = table.move(list, first + 1, math.min(last, #list), 1, {}) }
end

function rows.Constant(_, node)
  local a = node.attributes
  if a.value then return a.value end
  local list = a.value_ints or a.value_int and { a.value_int }
  if list then return { list = list } end
  local reals = a.value_floats or a.value_float and { a.value_float }
  if not reals then refuse(node, "a constant that is no number") end
  return { tensor = tensors.tensor(reals, "f32") }
end

function rows.ConstantOfShape(self, node)
  local value = node.attributes.value
  local number = value and value.tensor:item() or 0
  local list, out = self:integers(node, 1), {}
  for i = 1, list[1] and #list == 1 and math.type(list[1]) == "integer" and list[1] or 0 do
    out[i] = number
  end
  return { list = out, zeros = number == 0 }
end

local function same(self, node) return self:input(node, 1) end
rows.Identity, rows.Cast = same, same

function rows.Expand(self, node)
  local value = self:input(node, 1)
  if value.sym then refuse(node, "repeats a value of the network") end
  return { list = value.list or {}, zeros = true }
end

function rows.Flatten(self, node)
  local x = self:logical(self:symbol(node, 1))
  if (node.attributes.axis or 1) ~= 1 then refuse(node, "expected axis 1") end
  return self:apply(x, nn.flatten())
end

-- The sizes of one sample: 0 keeps an axis, the batch stands in front as itself or as -1.
local function sample_sizes(node, x, list)
  local out = {}
  local whole = sizes_of(x)
  for i, size in ipairs(list) do out[i] = size == 0 and whole[i] or size end
  local front = table.remove(out, 1)
  local open = false
  for _, size in ipairs(out) do
    if size == "batch" then refuse(node, "the batch is not the first axis") end
    open = open or size == -1
  end
  if front ~= "batch" and (front ~= -1 or open) and not (front == -1) and front ~= 1
    and math.type(front) ~= "integer" then
    refuse(node, "moves values between samples")
  end
  return out
end

function rows.Reshape(self, node)
  local input = self:input(node, 1)
  if not input.sym then return { tensor = input.tensor, list = input.list } end
  if input.dirs and #self:integers(node, 2) == 3 then -- [steps, batch, directions x units]
    return { sym = input.sym, shape = input.shape, swapped = true }
  end
  local x = self:logical(input)
  if x.swapped then refuse(node, "of [steps, batch, ...]") end
  local sizes = sample_sizes(node, x, self:integers(node, 2))
  if #sizes == 0 then sizes = { -1 } end
  return self:apply(x, nn.reshape(sizes))
end

function rows.Transpose(self, node)
  local x, perm = self:input(node, 1), node.attributes.perm
  if not x.sym then
    local order = {}
    for i, axis in ipairs(perm) do order[i] = axis + 1 end
    return { tensor = x.tensor:transpose(order):contiguous() }
  end
  if x.dirs then -- [steps, directions, batch, units] to [steps, batch, ...]
    return { sym = x.sym, shape = x.shape, swapped = true, dirs = x.dirs, turned = true }
  end
  if perm[1] == 1 and perm[2] == 0 then
    for i = 3, #perm do
      if perm[i] ~= i - 1 then refuse(node, "moves the batch with other axes") end
    end
    return { sym = self:logical(x).sym, shape = x.shape, swapped = not x.swapped }
  end
  if perm[1] ~= 0 or x.swapped then refuse(node, "moves the batch") end
  return self:apply(self:logical(x), nn.permute(table.move(perm, 2, #perm, 1, {})))
end

function rows.Squeeze(self, node)
  local x = self:input(node, 1)
  if x.list and not x.sym then return x end
  if not x.sym then return { tensor = x.tensor, list = x.list } end
  if x.dirs then return { sym = x.sym, shape = x.shape, swapped = x.swapped } end
  local axes = build.axes(self, node)
  x = self:logical(x)
  local gone, shape = {}, {}
  for _, axis in ipairs(axes) do
    axis = axis < 0 and #x.shape + 1 + axis or axis
    if x.swapped and axis < 2 then axis = 1 - axis end
    gone[axis] = true
  end
  if gone[0] then refuse(node, "of the batch") end
  for i, size in ipairs(x.shape) do
    if not gone[i] then shape[#shape + 1] = size end
  end
  local out = self:apply(x, nn.reshape(shape))
  out.swapped = x.swapped and not gone[1] or nil
  return out
end

function rows.Unsqueeze(self, node)
  local x = self:input(node, 1)
  if not x.sym then return x end
  x = self:logical(x)
  local shape = table.move(x.shape, 1, #x.shape, 1, {})
  for _, axis in ipairs(build.axes(self, node)) do
    if axis < 0 then axis = #shape + 2 + axis end
    if axis == 0 then refuse(node, "in front of the batch") end
    table.insert(shape, axis, 1)
  end
  return self:apply(x, nn.reshape(shape))
end

function rows.Concat(self, node)
  local values, sym = {}, true
  for i = 1, #node.inputs do
    values[i] = self:input(node, i)
    sym = sym and values[i].sym ~= nil
  end
  if not sym then
    local out = {}
    for i in ipairs(values) do
      local list = self:integers(node, i)
      table.move(list, 1, #list, #out + 1, out)
    end
    return { list = out }
  end
  local axis = node.attributes.axis
  if axis < 0 then axis = #values[1].shape + 1 + axis end
  if axis == 0 then refuse(node, "joins rows of the batch") end
  return self:compute(values, function(...) return core.op.concat({ ... }, axis + 1) end)
end

local function part(x, axis, first, last)
  return x:slice(axis + 1, first, last)
end

function rows.Slice(self, node)
  local x = self:input(node, 1)
  local starts, ends = self:integers(node, 2), self:integers(node, 3)
  local axes, steps = self:integers(node, 4), self:integers(node, 5)
  if not x.sym then
    local list = x.list or {}
    local n = #list
    local first, last = starts[1], ends[1]
    if first < 0 then first = n + first end
    if last < 0 then last = n + last end
    return { list = table.move(list, first + 1, math.min(last, n), 1, {}) }
  end
  for _, step in ipairs(steps or {}) do
    if step ~= 1 then refuse(node, "steps of %d", step) end
  end
  local rank = #x.shape + 1
  return self:compute({ x }, function(z)
    for i, first in ipairs(starts) do
      local axis = axes and axes[i] or i - 1
      if axis < 0 then axis = rank + axis end
      local n, last = z.shape[axis + 1], ends[i]
      if first < 0 then first = math.max(n + first, 0) end
      if last < 0 then last = n + last end
      if axis > 0 then z = part(z, axis, first + 1, math.min(last, n)) end
    end
    return z
  end)
end

function rows.Split(self, node)
  local x = self:logical(self:symbol(node, 1))
  local axis, n, out = node.attributes.axis or 0, #node.outputs, {}
  if axis < 0 then axis = #x.shape + 1 + axis end
  if axis == 0 then refuse(node, "splits the batch") end
  local sizes = node.attributes.split or self:integers(node, 2)
  local each, first = (x.shape[axis] + n - 1) // n, 1
  for i = 1, n do
    local size = sizes and sizes[i] or math.min(each, x.shape[axis] + 1 - first)
    local from, to = first, first + size - 1
    out[i] = self:compute({ x }, function(z) return part(z, axis, from, to) end)
    first = to + 1
  end
  return table.unpack(out)
end

return rows
