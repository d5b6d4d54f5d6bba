--- The parameters of an optimiser, by name.
local groups = require "lossdbg.optim.groups"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

---@param value any
---@return boolean
function M.is_model(value)
  if type(value) ~= "table" then return false end
  local found = value.parameters
  return type(found) == "function"
end

local function add(list, seen, name, item, where)
  local tensor = item.tensor
  if not options.is_tensor(tensor) then
    options.fail(where, "parameters", "tensors", tensor, "parameter '" .. name .. "'",
      source.level())
  elseif tensor.dtype == "i32" then
    options.fail(where, "parameters", "tensors of dtype f32 or f64", tensor,
      "parameter '" .. name .. "' is i32", source.level())
  elseif seen[name] then
    error(("lossdbg: %s: two parameters are called '%s'"):format(where, name), source.level())
  end
  for _, entry in ipairs(list) do -- shared weights are updated once
    if rawequal(entry.tensor, tensor) then return end
  end
  seen[name] = true
  list[#list + 1] = { name = name, tensor = tensor, slots = {}, used = false, used_version = 0,
    row = false, constraint = item.constraint, group = item.group }
end

-- Constraints of a model's parameters, by tensor.
local function constraints_of(model)
  local found = {}
  if type(model.layers) ~= "function" then return found end
  for _, layer in ipairs(model:layers()) do
    for _, parameter in ipairs(layer.parameters or {}) do
      found[parameter.tensor] = parameter.constraint
    end
  end
  return found
end

local read

-- A list of tensors, of { name =, tensor = }, or a built layer.
local function read_list(list, seen, given, where, group)
  local items, prefix, offset = given, "", #list
  if given.path ~= nil and type(given.parameters) == "table" then
    items, prefix = given.parameters, given.path .. "/"
  end
  for i, item in ipairs(items) do
    local name, entry = "parameter_" .. offset + i, { tensor = item, group = group }
    if type(item) == "table" and item.path ~= nil and type(item.parameters) == "table" then
      read_list(list, seen, item, where, group)
      entry = nil
    elseif type(item) == "table" then
      name = item.name or item[1] or name
      if prefix ~= "" then name = prefix .. name end
      entry.tensor, entry.constraint = item.tensor or item[2], item.constraint
      if item.trainable == false then entry = nil end
    end
    if entry then add(list, seen, name, entry, where) end
  end
end

function read(list, seen, given, where, group)
  if options.is_tensor(given) then given = { given } end
  if M.is_model(given) then
    local constraints = constraints_of(given)
    for name, tensor in given:parameters() do
      add(list, seen, name, { tensor = tensor, constraint = constraints[tensor], group = group },
        where)
    end
  elseif type(given) == "table" then
    read_list(list, seen, given, where, group)
  else
    options.fail(where, "parameters", "a built model or a list of tensors", given, nil,
      source.level())
  end
end

---The parameters that a model, a tensor, a layer, a list of tensors or of { name =, tensor = }, or
---a list of groups { parameters = any of these, ... } holds; shared tensors once.
---@param given any
---@param where string function named in messages
---@return { name: string, tensor: userdata, slots: table, group: table|nil }[]
function M.read(given, where)
  local list, seen = {}, {}
  if groups.is_list(given) then
    for _, group in ipairs(given) do
      if type(group) ~= "table" or group.parameters == nil then
        options.fail(where, "parameters", "groups { parameters = ... } throughout", group, nil,
          source.level())
      end
      read(list, seen, group.parameters, where, group)
    end
  else
    read(list, seen, given, where)
  end
  return list
end

return M
