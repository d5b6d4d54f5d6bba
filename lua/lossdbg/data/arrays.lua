--- Data sets from tensors and Lua tables, and from time series.
local attempt = require "lossdbg.support.attempt"
local core = require "lossdbg.core"
local dataset = require "lossdbg.data.dataset"
local inputs = require "lossdbg.data.inputs"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

local schema = options.declare "data.arrays" {
  { name = "x", type = "tensor|table", required = true, positional = 1, doc = "inputs [n, …]" },
  { name = "y", type = "tensor|table", positional = 2, doc = "answers [n, …]" },
  { name = "classes", type = "table",
    doc = "class names in the order of their ids" },
  { name = "columns", type = "table",
    doc = "names of the features" },
  { name = "source", type = "string",
    doc = "where the data come from, for reports" },
  { name = "dtype", type = "string", choices = { "f32", "f64" },
    doc = "of the inputs; default: as given" },
}

local function convert(where, name, value, dtype)
  if core.tensor.is_tensor(value) then
    local wanted = value.dtype == "i32" and name == "y" and "i32" or dtype or value.dtype
    if wanted == "i32" and name == "x" then wanted = "f32" end
    return wanted == value.dtype and value:detach() or core.op.cast(value:detach(), wanted)
  end
  local ok, result = attempt.call(core.tensor.from_table, value, dtype or "f32")
  if ok then return result end
  error(("lossdbg: %s: argument '%s': %s"):format(where, name,
    tostring(result):gsub("^.-lossdbg: tensor: ", "")), source.level())
end

-- A list of integers from 0 up is class ids; 1.0 is not an integer here.
local function are_ids(list)
  for i = 1, #list do
    if math.type(list[i]) ~= "integer" or list[i] < 0 then return false end
  end
  return #list > 0
end

local function check_rows(where, name, t)
  if t.rank == 0 or t.numel == 0 then
    error(("lossdbg: %s: argument '%s': expected at least one row, got %s"):format(where, name,
      t.rank == 0 and "a scalar" or ("shape [%s]"):format(table.concat(t.shape, " x "))),
      source.level())
  end
end

-- x or y: one tensor, or several of as many rows.
local function read(name, value, dtype)
  if inputs.looks_several(value) then
    local parts = inputs.read(value, function(part) return read(name, part, dtype) end)
    for _, part in ipairs(parts) do
      if #part ~= #parts[1] then
        error(("lossdbg: data.arrays: argument '%s': expected as many rows in every part, got " ..
          "%d and %d"):format(name, #parts[1], #part), source.level())
      end
    end
    return parts
  end
  local tensor
  if name == "y" and type(value) == "table" and are_ids(value) then
    tensor = core.tensor.from_table(value, "i32")
  else
    tensor = convert("data.arrays", name, value, dtype)
  end
  check_rows("data.arrays", name, tensor)
  return tensor
end

local function new(given)
  local o = options.check("data.arrays", given, schema, 3)
  local x, y = read("x", o.x, o.dtype), o.y and read("y", o.y, o.dtype)
  if y and inputs.count(y) ~= inputs.count(x) then
    error(("lossdbg: data.arrays: argument 'y': expected %d rows as in x, got %d"):format(
      inputs.count(x), inputs.count(y)), 3)
  end
  return dataset.new { x = x, y = y, classes = o.classes, columns = o.columns, source = o.source }
end

--- A data set from tensors or nested tables. Tables become f32; a list of integers from 0 up as y
--- becomes class ids (write 1.0 for numbers to predict). Several inputs or outputs are a list of
--- tensors, or a table by name: `ld.data.arrays { x = { left = a, right = b }, y = y }`.
---@param given table { x, y, classes =, columns =, source =, dtype = } or { x =, y = }
---@return lossdbg.Dataset
function M.new(given, ...)
  options.alone("data.arrays", given, select("#", ...), (...))
  local set = new(given)
  return set
end

local function as_series(series, where)
  if dataset.is_dataset(series) then series = series.x end
  if type(series) == "table" then series = convert(where, "series", series, nil) end
  if not core.tensor.is_tensor(series) then
    options.fail(where, "series", "a tensor, a list or a data set of one column", series, nil, 3)
  end
  if series.rank == 0 or series.numel ~= series.shape[1] then
    error(("lossdbg: %s: argument 'series': expected one number a row, got shape [%s]"):format(
      where, table.concat(series.shape, " x ")), 3)
  end
  if series.dtype == "i32" then series = core.op.cast(series, "f32") end
  return series:detach():reshape({ -1 }):contiguous()
end

--- Windows over a series: x[i] holds k values in their order, y[i] the value that follows.
---@param series lossdbg.Tensor|number[]|lossdbg.Dataset [n], or one column
---@param k integer number of lags, less than n
---@return lossdbg.Dataset of n - k rows in order; columns lag_k … lag_1, y [n - k, 1]; `split`
---  takes the last rows, since shuffled windows overlap and would leak
function M.lags(series, k)
  series = as_series(series, "data.lags")
  local n = #series
  if math.type(k) ~= "integer" or k < 1 then
    options.fail("data.lags", "k", "a positive integer", k)
  elseif k >= n then
    error(("lossdbg: data.lags: %d lags need more than %d values, got %d"):format(k, k, n), 2)
  end
  local places, names = {}, {}
  for i = 0, n - k - 1 do
    for j = 0, k - 1 do places[#places + 1] = i + j end
  end
  for j = 1, k do names[j] = ("lag_%d"):format(k - j + 1) end
  local x = core.io.take_rows(series, core.tensor.from_table(places, "i32")):reshape { n - k, k }
  local y = series:slice(1, k + 1, n, 1):reshape { n - k, 1 }
  return dataset.new { x = x, y = y, columns = names, ordered = true }
end

return M
