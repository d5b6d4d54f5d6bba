--- Data of an experiment: read in any accepted form, checked, brought to the form the loop computes
-- with, and dealt out in batches.
local core = require "lossdbg.core"
local inputs = require "lossdbg.data.inputs"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local row_weights = require "lossdbg.train.row_weights"
local tensors = require "lossdbg.tensor"

local M = {}

---@class lossdbg.Rows
---@field x userdata|lossdbg.Inputs [n, ...]; several tensors for models with several inputs
---@field y userdata|lossdbg.Inputs|nil targets as given; several for models with several outputs
---@field weight userdata|nil one number >= 0 a row, which its loss is multiplied by
---@field names string[]|nil of the columns of x
---@field classes string[]|nil names of the classes
---@field n_classes integer|nil y holds class ids 0 .. n_classes-1

local function fail(name, expected, value, cause)
  options.fail("experiment", name, expected, value, cause, source.level())
end

local function to_tensor(value, name)
  if options.is_tensor(value) then return value:detach() end
  if type(value) ~= "table" or value[1] == nil then
    fail(name, "a tensor or a table of numbers", value)
  end
  return tensors.tensor(value, "f64") -- every digit, until the dtype of the model is known
end

---The tensor itself when it has the type already and no gaps, else a copy.
---@param x userdata|lossdbg.Inputs
---@param dtype string
---@return userdata|lossdbg.Inputs
function M.as(x, dtype)
  return inputs.map(x, function(tensor)
    if tensor.dtype ~= dtype then tensor = tensor:cast(dtype) end
    return tensor:contiguous()
  end)
end

-- One tensor with a row per sample, or several.
local function read_part(value, name, what)
  if inputs.looks_several(value) then
    local part = inputs.read(value, function(one, label)
      return read_part(one, name .. "." .. what .. "." .. label)
    end)
    for _, tensor in ipairs(part) do
      if tensor.shape[1] ~= part[1].shape[1] then
        error(("lossdbg: experiment: argument '%s': expected as many rows in every part of %s, " ..
          "got %d and %d"):format(name, what, part[1].shape[1], tensor.shape[1]), source.level())
      end
    end
    return part
  end
  local tensor = to_tensor(value, name)
  if tensor.rank < 1 or tensor.shape[1] < 1 then fail(name, "at least one row", "no rows") end
  if what ~= "y" and tensor.rank == 1 then tensor = tensor:reshape { tensor.numel, 1 } end
  return tensor
end

---Reads a data set, `{ x, y }` or `{ x = , y = }` of tensors or nested tables. Several inputs or
---outputs are a list of tensors, or a table by name, in the place of x or y. `weight` beside them
---holds a weight for every row (Keras' sample_weight).
---@param value any
---@param name string argument name for messages
---@return lossdbg.Rows
function M.read(value, name)
  if type(value) ~= "table" then
    fail(name, "a data set or { x, y }", value,
      value == nil and "ld.data.csv returns nil and a message when it fails: use assert" or nil)
  end
  local x, y = value.x, value.y
  if x == nil then x, y = value[1], value[2] end
  if x == nil or y == nil then
    fail(name, "a data set or { x, y } with inputs and targets", value,
      x == nil and "x is missing" or "y is missing: there is nothing to learn")
  end
  local rows = { x = read_part(x, name, "x"), y = read_part(y, name, "y"), classes = value.classes,
    n_classes = value.n_classes or (value.classes and #value.classes),
    names = value.names or value.columns }
  rows.n = inputs.count(rows.x)
  if inputs.count(rows.y) ~= rows.n then
    error(("lossdbg: experiment: argument '%s': expected one target per row, got %d rows of x " ..
      "and %d of y"):format(name, rows.n, inputs.count(rows.y)), source.level())
  end
  if value.weight ~= nil then rows.weight = row_weights.read(value.weight, rows.n, name) end
  return rows
end

---@param rows lossdbg.Rows
---@return integer[]|integer[][] shape of one sample; for several inputs their list
function M.sample_shape(rows) return inputs.sample_shape(rows.x) end

local function shape_text(rows)
  local parts = {}
  for i, tensor in ipairs(inputs.list(rows.x)) do
    parts[i] = table.concat(inputs.sample_shape(tensor), ", ")
  end
  return "[" .. table.concat(parts, "], [") .. "]"
end

---Raises when validation rows have another shape than training rows.
---@param train lossdbg.Rows
---@param val lossdbg.Rows
function M.check_same_shape(train, val)
  local a, b = shape_text(train), shape_text(val)
  if a ~= b then
    error(("lossdbg: experiment: argument 'val': expected rows of shape %s as in train, got %s")
      :format(a, b), source.level())
  end
end

-- Class ids must fit the outputs: the core would refuse the batch in the middle of an epoch.
local function check_labels(loss, y, classes, name)
  if loss.ignore_class then y = y:mul(y:ne(loss.ignore_class)) end
  local low, high = y:min():item(), y:max():item()
  if low >= 0 and high < classes then return end
  local bad = low < 0 and low or high
  local row = y:reshape({ y.numel }):eq(bad):argmax(1):item()
  local cause = low == 1 and high == classes and "counted from 1: subtract 1"
    or bad >= classes and ("the model needs %d outputs"):format(bad + 1) or "ids start at 0"
  error(("lossdbg: experiment: argument '%s': labels must be 0..%d for a model with %d outputs, " ..
    "found %d in row %d (%s)"):format(name, classes - 1, classes, bad, row, cause),
    source.level())
end

---The loss made definite for the outputs of a model and the targets.
---@param loss lossdbg.Loss|lossdbg.LossSet
---@param model lossdbg.Model
---@param rows { y: userdata|lossdbg.Inputs, n: integer }
---@return lossdbg.Loss|lossdbg.LossSet
function M.loss_for(loss, model, rows)
  if loss.parts then return loss:for_model(model, rows.y) end
  if model.plan and not model.plan.single then
    fail("model", "one output, or nn.graph with a loss for each", model, "a block ends in several")
  elseif inputs.is_several(rows.y) then
    fail("y", "one tensor of targets", rows.y, "the model has one output")
  end
  return loss:for_shapes({ rows.n, table.unpack(model.output_shape) }, rows.y.shape)
end

---Targets for a loss and a model: repaired shape, right type.
---@param loss lossdbg.Loss
---@param y userdata
---@param output_shape integer[] of one sample
---@param dtype string
---@param name string
---@return userdata
function M.target(loss, y, output_shape, dtype, name)
  if loss.parts then return loss:targets(y, dtype, name) end
  if loss.family == "custom" then
    if loss.target == "index" then return y:cast "i32" end
    return y.dtype == "i32" and y or y:cast(dtype)
  end
  local shape, numel = { y.shape[1], table.unpack(output_shape) }, y.shape[1]
  for _, n in ipairs(output_shape) do numel = numel * n end
  local prediction = { rank = #shape, shape = shape, numel = numel, dtype = dtype }
  local target = loss:prepare(prediction, y)
  if loss.target == "index" then check_labels(loss, target, output_shape[#output_shape], name) end
  return target:contiguous()
end

---Mean and deviation of the targets per column, for `target = "standardize"`.
---@param y userdata prepared targets of the training rows
---@return { mean: userdata, deviation: userdata }
function M.target_scale(y)
  return tensors.no_grad(function()
    local wide = y:cast "f64"
    local deviation = wide:var(1, true):sqrt()
    deviation = core.op.where(deviation:gt(0), deviation, 1)
    return { mean = wide:mean(1, true):cast(y.dtype), deviation = deviation:cast(y.dtype) }
  end)
end

---The first rows with a value that is not finite.
---@param x userdata|lossdbg.Inputs [n, ...]
---@param limit integer
---@return integer[] rows from 1
function M.nonfinite_rows(x, limit)
  local found = {}
  if inputs.is_several(x) then
    for _, part in ipairs(x) do
      local rows = M.nonfinite_rows(part, limit)
      if #rows > 0 then return rows end
    end
    return found
  end
  if x.dtype == "i32" or not x:has_nonfinite() then return found end
  local n = x.shape[1]
  local bad = tensors.no_grad(function()
    local zero = x:reshape({ n, x.numel // n }):mul(0)
    return zero:eq(zero):min(2):totable()
  end)
  for row = 1, n do
    if bad[row] == 0 then
      found[#found + 1] = row
      if #found == limit then break end
    end
  end
  return found
end

---Rows without the ones that hold NaN or infinity.
---@param rows lossdbg.Rows
---@return lossdbg.Rows
function M.drop_nonfinite(rows)
  local bad = {}
  for _, part in ipairs { rows.x, rows.y } do
    for _, tensor in ipairs(inputs.list(part)) do
      for _, row in ipairs(M.nonfinite_rows(tensor, math.huge)) do bad[row] = true end
    end
  end
  if next(bad) == nil then return rows end
  local keep = {}
  for row = 1, rows.n do
    if not bad[row] then keep[#keep + 1] = row - 1 end
  end
  if #keep == 0 then
    fail("data", "at least one row without NaN or infinity", ("none of %d rows"):format(rows.n))
  end
  local ids = tensors.tensor(keep, "i32")
  return { x = inputs.take(inputs.contiguous(rows.x), ids),
    y = inputs.take(inputs.contiguous(rows.y), ids), n = #keep, names = rows.names,
    weight = rows.weight and inputs.take(rows.weight:contiguous(), ids),
    classes = rows.classes, n_classes = rows.n_classes }
end

---The order of an epoch: row numbers from 0, a function of seed and epoch alone.
---@param n integer
---@param seed integer
---@param epoch integer
---@return userdata
function M.order(n, seed, epoch)
  local ids = tensors.zeros(n, "i32")
  core.random.permutation(ids, seed, core.random.stream("shuffle", epoch, 0))
  return ids
end

local function part(t, order, first, last)
  if not order then return inputs.slice(t, first, last) end
  return inputs.take(t, order:slice(1, first, last))
end

---Rows first..last of an epoch.
---@param rows { x: userdata, y: userdata, weight: userdata|nil }
---@param order userdata|nil
---@param first integer
---@param last integer
---@return userdata x
---@return userdata y
---@return userdata|nil weight
function M.batch(rows, order, first, last)
  return part(rows.x, order, first, last), part(rows.y, order, first, last),
    rows.weight and part(rows.weight, order, first, last)
end

return M
