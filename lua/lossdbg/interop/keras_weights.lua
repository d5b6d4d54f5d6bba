--- Weights by the names that Keras gives them, "sequential/dense_1/kernel", in the order of
-- model.get_weights() ("arr_0", "arr_1", ...), or by the paths of a .keras archive,
-- "layers/dense_1/vars/0", put into a model whose layers have Keras' names.
local archive_names = require "lossdbg.interop.keras_archive_names"
local tensors = require "lossdbg.tensor"

local M = {}

-- Spellings of Keras' path: without the cell between a recurrent layer and its kernel, with
-- "bidirectional/forward_lstm/kernel" as forward_kernel, and "mha/query/kernel" as query_kernel.
local function spellings(theirs)
  local plain = theirs:gsub(":0$", ""):gsub("/[%w_]*cell/", "/"):gsub("%.", "/")
  local ways = plain:gsub("/(forward_)[%w_]+/([%w_]+)$", "/%1%2")
    :gsub("/(backward_)[%w_]+/([%w_]+)$", "/%1%2")
  return { plain, ways, (plain:gsub("/(%w+)/([%w_]+)$", "/%1_%2")) }
end

local function matches(theirs, path, name)
  local mine = path .. "/" .. name
  for _, spelling in ipairs(spellings(theirs)) do
    if spelling == mine or spelling:sub(-#mine - 1) == "/" .. mine then return true end
  end
  return false
end

local function slots(model)
  local list = {}
  for _, layer in ipairs(model:layers()) do
    for i, parameter in ipairs(layer.parameters) do
      local path = layer.path:match "[^/]+$"
      list[#list + 1] = { path = path, name = parameter.name, tensor = parameter.tensor,
        full = layer.path .. "/" .. parameter.name, number = i }
    end
  end
  return list
end

local function in_order(arrays)
  local list = {}
  for _, array in ipairs(arrays) do
    local place = array.name:match "^arr_(%d+)$"
    if not place then return nil end
    list[tonumber(place) + 1] = array
  end
  return #list == #arrays and list or nil
end

local function find(arrays, slot, i, ordered)
  if ordered then return ordered[i] end
  for _, array in ipairs(arrays) do
    if matches(array.name, slot.path, slot.name) then return array end
    if array.layer == slot.path and array.number == slot.number then return array end
  end
end

local function text(shape) return "[" .. table.concat(shape, ", ") .. "]" end

--- Copies the arrays into the model; every weight must be there, with its shape.
---@param model lossdbg.Model
---@param arrays { name: string, tensor: userdata }[]
---@param object? table the model as Keras writes it, where the arrays are those of an archive
function M.load(model, arrays, object)
  if object then arrays = archive_names.of(arrays, object) end
  local ordered, list = in_order(arrays), slots(model)
  if ordered and #ordered ~= #list then
    error(("lossdbg: interop.keras: weights: expected %d arrays, got %d"):format(#list,
      #ordered), 0)
  end
  local pairs_to_copy = {}
  for i, slot in ipairs(list) do
    local array = find(arrays, slot, i, ordered)
    if not array then
      error(("lossdbg: interop.keras: weights: nothing for '%s'"):format(slot.full), 0)
    end
    if text(array.tensor.shape) ~= text(slot.tensor.shape) then
      error(("lossdbg: interop.keras: weights: '%s': expected shape %s, got %s"):format(slot.full,
        text(slot.tensor.shape), text(array.tensor.shape)), 0)
    end
    pairs_to_copy[i] = { slot.tensor, array.tensor }
  end
  tensors.no_grad(function()
    for _, pair in ipairs(pairs_to_copy) do pair[1]:copy_(pair[2]:cast(pair[1].dtype)) end
  end)
end

return M
