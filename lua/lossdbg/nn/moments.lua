--- Mean and population variance of data that comes whole or in batches, merged by Chan's formula:
-- with w = n_b / n, m' = m (1-w) + m_b w, v' = (v + (m-m')^2)(1-w) + (v_b + (m_b-m')^2) w.
local tensors = require "lossdbg.tensor"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

local rows_at_once = 8192

local function merge(state, mean, variance, n)
  if state.count == 0 then
    state.mean, state.variance, state.count = mean, variance, n
    return
  end
  local total = state.count + n
  local w = n / total
  for i = 1, #mean do
    local m, b = state.mean[i], mean[i]
    local new = m * (1 - w) + b * w
    state.variance[i] = (state.variance[i] + (m - new) ^ 2) * (1 - w)
      + (variance[i] + (b - new) ^ 2) * w
    state.mean[i] = new
  end
  state.count = total
end

local function flat(tensor)
  if tensor.rank == 0 then return { tensor:item() } end
  return tensor:reshape { tensor.numel }:totable()
end

local function add(state, x, find_axes, where)
  if x.rank == 1 then x = x:reshape { x.numel, 1 } end
  local shape, axes = x.shape, find_axes(x.rank)
  local kept, reduced, shape_kept = {}, {}, {}
  for _, axis in ipairs(axes) do
    kept[axis] = true
    shape_kept[#shape_kept + 1] = shape[axis]
  end
  for axis = 1, x.rank do
    if not kept[axis] then reduced[#reduced + 1] = axis end
  end
  if state.shape and table.concat(state.shape, ",") ~= table.concat(shape_kept, ",") then
    error(("lossdbg: %s: argument 'data': expected batches with kept axes [%s], got [%s]"):format(
      where, table.concat(state.shape, ", "), table.concat(shape_kept, ", ")), source.level())
  end
  state.shape = shape_kept
  local size = 1
  for _, n in ipairs(shape_kept) do size = size * n end
  for first = 1, shape[1], rows_at_once do
    local part = x:slice(1, first, math.min(first + rows_at_once - 1, shape[1])):cast("f64")
    merge(state, flat(part:mean(reduced)), flat(part:var(reduced)), part.numel / size)
  end
end

local function to_tensor(value, where)
  if options.is_tensor(value) then return value:detach() end
  if type(value) == "table" and options.is_tensor(value.x) then return value.x:detach() end
  if type(value) == "table" and (type(value[1]) == "number" or type(value[1]) == "table") then
    return tensors.tensor(value, "f64")
  end
  options.fail(where, "data", "a tensor, a table of numbers, a data set or batches", value, nil,
    source.level())
end

-- Batches from a list of tensors (or of { x, y }), or from an iterator function.
local function each_batch(data, visit)
  if type(data) == "function" then
    for x in data do visit(x) end
    return
  end
  for _, batch in ipairs(data) do
    visit(options.is_tensor(batch) and batch or batch[1] or batch.x)
  end
end

local function is_batches(data)
  if type(data) == "function" then return true end
  if type(data) ~= "table" or options.is_tensor(data.x) then return false end
  local first = data[1]
  return options.is_tensor(first) or (type(first) == "table" and options.is_tensor(first[1]))
end

---Statistics per index of the kept axes.
---@param data any
---@param find_axes fun(rank: integer): integer[] kept axes for data of that rank
---@param where string for messages
---@return table state { mean, variance, count, shape, rows, adapted_to }
function M.of(data, find_axes, where)
  local state, rows = { count = 0 }, 0
  local function visit(x)
    x = to_tensor(x, where)
    if x.rank == 0 or x.numel == 0 then
      options.fail(where, "data", "at least one row", "an empty tensor", nil, source.level())
    end
    rows = rows + x.shape[1]
    tensors.no_grad(add, state, x, find_axes, where)
  end
  if is_batches(data) then each_batch(data, visit) else visit(data) end
  if state.count == 0 then
    options.fail(where, "data", "at least one row", nil, "there was no batch", source.level())
  end
  state.adapted_to = ("%d rows"):format(rows)
  state.rows = rows
  return state
end

return M
