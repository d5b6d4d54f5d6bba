--- The inputs of a model as one value: a tensor, or several tensors with as many rows each, in a
-- list that may carry names. Data, batches and probes go through these functions, so that they
-- need not know which of the two they hold.
local core = require "lossdbg.core"
local options = require "lossdbg.support.options"
local reads = require "lossdbg.tensor.reads"

local M = {}

---@class lossdbg.Inputs
---@field names string[]|nil names[i] of tensor i
---@field several true
---@field [integer] userdata
---@field [string] userdata

local Inputs = { __name = "lossdbg.inputs" }
Inputs.__index = Inputs
reads.kind(Inputs, {})
Inputs.several = true

---True for a list made by `read`.
function M.is_several(value)
  return type(value) == "table" and getmetatable(value) == Inputs
end

---True for what `read` takes: a list of tensors, a table by name, or what it returned.
function M.looks_several(value)
  if type(value) ~= "table" then return false end
  if M.is_several(value) then return true end
  if getmetatable(value) ~= nil then return false end
  return options.is_tensor(value[1]) or (value[1] == nil and type(next(value)) == "string")
end

local function make(list, names)
  local self = setmetatable({ names = names }, Inputs)
  for i, tensor in ipairs(list) do
    self[i] = tensor
    if names then self[names[i]] = tensor end
  end
  return self
end

---Reads a list of tensors, or a table by name (whose order is that of the sorted names).
---@param value table
---@param convert fun(part: any, label: string): userdata
---@return lossdbg.Inputs
function M.read(value, convert)
  if M.is_several(value) then return M.map(value, convert) end
  local list, names = {}, {}
  for name in pairs(value) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do list[i] = convert(value[name], name) end
  for i, part in ipairs(value) do list[i] = convert(part, "input " .. i) end
  return make(list, #names > 0 and names or nil)
end

---fn of every tensor.
---@param x userdata|lossdbg.Inputs
---@param fn fun(tensor: userdata, label: string|nil): userdata
---@return userdata|lossdbg.Inputs
function M.map(x, fn)
  if not M.is_several(x) then return fn(x) end
  local list = {}
  for i, tensor in ipairs(x) do list[i] = fn(tensor, x.names and x.names[i] or ("input " .. i)) end
  return make(list, x.names)
end

---The tensors in a list.
---@param x userdata|lossdbg.Inputs
---@return userdata[]
function M.list(x)
  if not M.is_several(x) then return { x } end
  return table.move(x, 1, #x, 1, {})
end

---@param x userdata|lossdbg.Inputs
---@return integer rows
function M.count(x)
  local first = M.is_several(x) and x[1] or x
  return first.shape[1] or 0
end

---Rows first..last, as views.
---@param x userdata|lossdbg.Inputs
---@param first integer
---@param last integer
---@return userdata|lossdbg.Inputs
function M.slice(x, first, last)
  if not M.is_several(x) then return x:slice(1, first, last) end
  return M.map(x, function(tensor) return tensor:slice(1, first, last) end)
end

---Rows by number, as copies.
---@param x userdata|lossdbg.Inputs contiguous
---@param ids userdata i32, from 0
---@return userdata|lossdbg.Inputs
function M.take(x, ids)
  if not M.is_several(x) then return core.io.take_rows(x, ids) end
  return M.map(x, function(tensor) return core.io.take_rows(tensor, ids) end)
end

---@param x userdata|lossdbg.Inputs
---@return userdata|lossdbg.Inputs without gaps
function M.contiguous(x)
  return M.map(x, function(tensor) return tensor:contiguous() end)
end

---Shape of one sample; for several inputs the list (and table by name) of them.
---@param x userdata|lossdbg.Inputs
---@return integer[]|integer[][]
function M.sample_shape(x)
  local function one(tensor)
    local shape = tensor.shape
    return table.move(shape, 2, #shape, 1, {})
  end
  if not M.is_several(x) then return one(x) end
  local shapes = {}
  for i, tensor in ipairs(x) do
    shapes[i] = one(tensor)
    if x.names then shapes[x.names[i]] = shapes[i] end
  end
  return shapes
end

---All features side by side: [rows, features], of the first input's dtype unless that is i32.
---@param x userdata|lossdbg.Inputs
---@return userdata
function M.columns(x)
  if not M.is_several(x) then return x end
  local parts = {}
  for i, tensor in ipairs(x) do
    local flat = tensor:contiguous():reshape { tensor.shape[1], -1 }
    parts[i] = flat.dtype == "f64" and flat or flat:cast "f64"
  end
  return #parts == 1 and parts[1] or core.op.concat(parts, 2)
end

return M
