--- The parameters of an optimiser, by name.
local options = require "lossdbg.options"
local source = require "lossdbg.source"

local M = {}

---@param value any
---@return boolean
function M.is_model(value)
  if type(value) ~= "table" then return false end
  local found = value.parameters
  return type(found) == "function"
end

local function add(list, seen, name, tensor, where)
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
  list[#list + 1] =
    { name = name, tensor = tensor, slots = {}, used = false, used_version = 0, row = false }
end

---The parameters that a model, a tensor, a list of tensors or of { name =, tensor = } holds; shared
---tensors once.
---@param given any
---@param where string function named in messages
---@return { name: string, tensor: userdata, slots: table }[]
function M.read(given, where)
  local list, seen = {}, {}
  if options.is_tensor(given) then given = { given } end
  if M.is_model(given) then
    for name, tensor in given:parameters() do add(list, seen, name, tensor, where) end
  elseif type(given) == "table" then
    for i, item in ipairs(given) do
      if type(item) == "table" then
        add(list, seen, item.name or item[1] or "parameter_" .. i, item.tensor or item[2], where)
      else
        add(list, seen, "parameter_" .. i, item, where)
      end
    end
  else
    options.fail(where, "parameters", "a built model or a list of tensors", given, nil,
      source.level())
  end
  return list
end

return M
