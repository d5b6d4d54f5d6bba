--- Normalization: (x - mean) / max(sqrt(variance), epsilon) per kept axis, with statistics that are
-- given or learnt from data by `adapt`; the semantics of Keras, layer of the same name.
-- The clamp is on the standard deviation, so that a constant feature becomes 0 and not NaN.
local core = require "lossdbg.core"
local tensors = require "lossdbg.tensor"
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local statistics = require "lossdbg.nn.moments"

local function fail(where, name, expected, value, cause)
  options.fail(where, name, expected, value, cause, source.level())
end

local function check(given, where)
  if (given.mean == nil) ~= (given.variance == nil) then
    error(("lossdbg: %s: argument '%s': mean and variance are given together or not at all"):format(
      where, given.mean == nil and "mean" or "variance"), source.level())
  end
  local axes = type(given.axis) == "table" and given.axis or { given.axis or nil }
  for _, axis in ipairs(axes) do
    if math.type(axis) ~= "integer" or axis == 0 or axis == 1 then
      fail(where, "axis", "axes counted from 2 (1 is the batch) or negative from the end", axis)
    end
  end
  if given.axis == true then fail(where, "axis", "axes, or false for one mean of all", true) end
end

-- The kept axes, counted with the batch as 1, sorted; none when axis is false.
local function kept_axes(given, rank, where)
  if given.axis == false then return {} end
  local axes, seen = {}, {}
  for _, axis in ipairs(type(given.axis) == "table" and given.axis or { given.axis }) do
    local place = axis < 0 and rank + 1 + axis or axis
    if place < 2 or place > rank then
      fail(where, "axis", ("an axis of an input of rank %d besides the batch"):format(rank), axis)
    elseif seen[place] then
      fail(where, "axis", "every axis once", axis)
    end
    seen[place] = true
    axes[#axes + 1] = place
  end
  table.sort(axes)
  return axes
end

local function sizes(axes, shape)
  local list = {}
  for i, axis in ipairs(axes) do list[i] = shape[axis] end
  return list
end

local function shape_equal(a, b)
  if #a ~= #b then return false end
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

-- Given statistics, broadcast right-aligned onto the kept axes.
local function given_tensor(self, name, kept)
  local value = self.options[name]
  local tensor = options.is_tensor(value) and value or tensors.tensor(value, "f64")
  tensor = tensor:detach():cast("f64")
  if tensor.rank <= #kept then
    local full = #kept == 0 and tensor or tensors.zeros(kept, "f64"):add(tensor)
    if shape_equal(full.shape, kept) then return full end
  end
  error(("lossdbg: layer '%s': argument '%s': expected shape [%s] or one that broadcasts to it, " ..
    "got [%s]"):format(self.path, name, table.concat(kept, ", "), table.concat(tensor.shape, ", ")),
    source.level())
end

-- Sets the tensors that forward uses from the layer's state.
local function install(self, mean, variance)
  core.plan.changed()
  local shape, dtype = {}, self.dtype
  for i = 1, #self.input_shape + 1 do shape[i] = 1 end
  for _, axis in ipairs(self.axes) do shape[axis] = self.input_shape[axis - 1] end
  local deviation = variance:sqrt():maximum(self.options.epsilon)
  self.buffers = {
    mean = mean:reshape(shape):contiguous():cast(dtype),
    deviation = deviation:reshape(shape):contiguous():cast(dtype),
  }
end

local function install_state(self, state)
  local kept = sizes(self.axes, { 0, table.unpack(self.input_shape) })
  if not shape_equal(state.shape, kept) then
    layer.shape_error(self, ("with kept axes [%s], as in the data it was adapted to"):format(
      table.concat(state.shape, ", ")), self.input_shape, "adapted to other data than it is fed")
  end
  self.state = state
  local function tensor(list)
    return tensors.tensor(#kept == 0 and list[1] or list, "f64"):reshape(kept)
  end
  install(self, tensor(state.mean), tensor(state.variance))
end

local function learn(given, data, where)
  return statistics.of(data, function(rank) return kept_axes(given, rank, where) end, where)
end

local function create(self, context)
  local rank = #self.input_shape + 1
  self.dtype = context.dtype
  self.axes = kept_axes(self.options, rank, "nn.normalization")
  local kept = sizes(self.axes, { 0, table.unpack(self.input_shape) })
  if self.options.mean ~= nil then
    install(self, given_tensor(self, "mean", kept), given_tensor(self, "variance", kept))
  elseif self.state and not self.options.adapt then
    install_state(self, self.state)
  elseif self.options.adapt ~= false and context.adapt then
    install_state(self, learn(self.options, context.adapt(), "nn.normalization"))
  elseif self.state then
    install_state(self, self.state)
  else
    local shape = #kept == 0 and {} or kept
    install(self, tensors.zeros(shape, "f64"), tensors.ones(shape, "f64"))
  end
end

local function forward(self, x)
  local buffers = self.buffers
  if self.options.invert then return x:mul(buffers.deviation):add(buffers.mean) end
  return x:sub(buffers.mean):div(buffers.deviation)
end

local methods = {}

---Learns mean and population variance from data; a second call replaces the first.
---@param data any tensor, nested table, data set, list of batches, or an iterator of batches whose
---                first value is x
---@return lossdbg.LayerDescription self
function methods:adapt(data)
  if self.options.mean ~= nil then
    error("lossdbg: nn.normalization: adapt: mean and variance were given, nothing is left to " ..
      "learn", source.level())
  end
  self.state = learn(self.options, data, "nn.normalization: adapt")
  return self
end

---`nn.normalization()` (in an experiment: learns from its training rows),
---`nn.normalization():adapt(train.x)`, `nn.normalization { mean = { 1, 2 }, variance = { 1, 4 } }`
return layer.define {
  kind = "normalization",
  schema = {
    { name = "axis", type = "integer|table|boolean", default = -1, positional = 1,
      doc = "axes with statistics of their own (batch = 1); false: one mean of everything" },
    { name = "mean", type = "number|table|tensor",
      doc = "given instead of learnt" },
    { name = "variance", type = "number|table|tensor",
      doc = "given instead of learnt" },
    { name = "invert", type = "boolean", default = false, doc = "mean + x deviation" },
    { name = "epsilon", type = "number", open_min = 0, default = 1e-7,
      doc = "least standard deviation" },
    { name = "adapt", type = "boolean", doc = "learn from the training rows of the experiment; " ..
      "default: where no statistics were given or learnt; false: never" },
  },
  check = check,
  infer = function(_, input_shape) return input_shape end,
  create = create,
  forward = forward,
  methods = methods,
  ---@param data any as above; a built layer learns anew
  adapt = function(self, data)
    install_state(self, learn(self.options, data, "nn.normalization: adapt"))
    return self
  end,
}
