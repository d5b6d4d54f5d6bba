--- The kinds of optimisers, made of the rows of the core (csrc/train/optimizer_rows.c): a kind is
-- { name, doc, schema, defaults, slots, update, check }. Nothing about a single optimiser stands in
-- Lua.
local options = require "lossdbg.support.options"
local train = require("lossdbg.core").train

local M = {}

local flavors = { "keras", "torch" }

local function words(text)
  local list = {}
  for word in (text or ""):gmatch("%S+") do list[#list + 1] = word end
  return list
end

-- The value that an option has in every library that has the optimiser; nil where they differ.
local function common_default(row, hyper)
  local first
  for _, flavor in ipairs(flavors) do
    if row[flavor] then
      if hyper[flavor] == nil or (first ~= nil and hyper[flavor] ~= first) then return nil end
      first = hyper[flavor]
    end
  end
  return first
end

local function schema_of(row)
  local schema = {}
  for i, hyper in ipairs(row.hypers) do
    schema[i] = { name = hyper.name, type = hyper.type, alias = words(hyper.aliases),
      min = hyper.min, max = hyper.max, open_min = hyper.open_min, open_max = hyper.open_max,
      default = common_default(row, hyper), doc = hyper.doc }
  end
  return schema
end

-- What depends on the flavour: rate, weight decay where there is one, hyperparameters.
local function defaults_of(row)
  local defaults = {}
  for _, flavor in ipairs(flavors) do
    if row[flavor] then
      local own = { lr = row.lr[flavor] }
      if row.weight_decay[flavor] ~= 0 then own.weight_decay = row.weight_decay[flavor] end
      for _, hyper in ipairs(row.hypers) do
        if common_default(row, hyper) == nil then own[hyper.name] = hyper[flavor] end
      end
      defaults[flavor] = own
    end
  end
  return defaults
end

local function is_set(o, name) return o[name] ~= nil and o[name] ~= 0 and o[name] ~= false end

-- The shape of a slot; false: parameters of this rank have none.
local function shape_of(slot, shape)
  local rank = #shape
  if slot.shape == "like" then return nil end
  if rank < 2 then return false end
  local kept = table.move(shape, 1, rank - 1, 1, {})
  if slot.shape == "columns" then kept[rank - 1] = shape[rank] end
  return kept
end

---Slots of one parameter: name to start value, or { start, shape = } for a shape of its own.
local function slots_of(row, o, tensor)
  local slots = {}
  for _, slot in ipairs(row.slots) do
    local shape = shape_of(slot, tensor.shape)
    if shape ~= false and (not slot.needs or is_set(o, slot.needs)) then
      local start = slot.start and o[slot.start] or 0
      slots[slot.name] = shape and { start, shape = shape } or start
    end
  end
  return slots
end

-- What may be set only beside others.
local function check(row, o, where, level)
  for _, hyper in ipairs(row.hypers) do
    if hyper.expected and is_set(o, hyper.name)
      and ((hyper.torch_only and o.flavor ~= "torch")
        or (hyper.needs and not is_set(o, hyper.needs))
        or (hyper.without and is_set(o, hyper.without))) then
      options.fail(where, hyper.name, hyper.expected, o[hyper.name], hyper.hint,
        level == 0 and 0 or level + 1)
    end
  end
end

local function new(row)
  local rule = train[row.name]
  return {
    name = row.name, doc = row.doc, row = row, always_decoupled = row.always_decoupled,
    flavors = not (row.keras and row.torch) and { row.keras and "keras" or "torch" } or nil,
    schema = schema_of(row), defaults = defaults_of(row), update = rule,
    slots = function(o, tensor) return slots_of(row, o, tensor) end,
    check = function(o, where, level) check(row, o, where, level == 0 and 0 or level + 1) end,
  }
end

---@type table<string, table> by name
M.by_name = {}
---@type string[] sorted
M.names = {}
for i, row in ipairs(train.rules()) do
  M.by_name[row.name] = new(row)
  M.names[i] = row.name
end
table.sort(M.names)

local function text(value)
  if value == nil then return "by the dtype" end
  return type(value) == "number" and ("%.15g"):format(value) or tostring(value)
end

-- "lr = 0.001 (torch 0.01)"
local function shown(row, name, standards)
  local keras, torch = standards.keras, standards.torch
  if not (row.keras and row.torch) then return ("%s = %s"):format(name, text(keras or torch)) end
  if keras == torch then return ("%s = %s"):format(name, text(keras)) end
  return ("%s = %s (torch %s)"):format(name, text(keras), text(torch))
end

---What an optimiser is and its options with their defaults, for people.
---@param name string
---@return string doc one paragraph
---@return string[] options "name = default (torch default)", rate first
function M.describe(name)
  local row = M.by_name[name].row
  local list = { shown(row, "lr", row.lr) }
  for _, hyper in ipairs(row.hypers) do list[#list + 1] = shown(row, hyper.name, hyper) end
  local decay = row.weight_decay
  list[#list + 1] = shown(row, "weight_decay", decay)
  local only = not row.torch and " Keras only." or not row.keras and " PyTorch only." or ""
  return row.doc .. only, list
end

return M
