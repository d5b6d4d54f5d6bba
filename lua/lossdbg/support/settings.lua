--- Options that stay settable: what is written into the table is checked as the constructor checked
-- it, at the line that writes. Reading costs what a plain table costs.
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

-- The same options without what the constructor adds by itself.
local function bare(schema)
  local list = {}
  for i, option in ipairs(schema) do
    local copy = {}
    for key, value in pairs(option) do copy[key] = value end
    copy.default, copy.required, copy.positional = nil, nil, nil
    list[i] = copy
  end
  return list
end

local function option_of(schema, key)
  for _, option in ipairs(schema) do
    if option.name == key then return option end
    local alias = option.alias
    for _, name in ipairs(type(alias) == "table" and alias or { alias }) do
      if name == key then return option end
    end
  end
end

-- An option that may be absent is taken away with nil.
local function check_nil(where, key, option, values)
  local found = option and values[option.name]
  if found == nil or option.optional then return end
  options.fail(where, key, "a value", nil, "this option has no empty state", source.level())
end

---@class lossdbg.SettingsHow
---@field where string the constructor, for messages
---@field schema lossdbg.option[] `fixed`: why it cannot be set; `optional`: may be nil
---@field check fun(values: table, level: integer)|nil raises for what does not go together
---@field written fun(name: string, value: any)|nil told afterwards
---@field noticed boolean|nil `written` lets no plan made before go on

-- Checks and keeps what is written; returns the option's name, nil where there was nothing to do.
local function write(values, how, schema, key, value)
  local option = option_of(schema, key)
  if option and option.fixed then
    error(("lossdbg: %s: argument '%s': %s"):format(how.where, option.name, option.fixed),
      source.level())
  end
  local name, checked = option and option.name, nil
  if value == nil then
    check_nil(how.where, key, option, values)
  else
    name, checked = next(options.check(how.where, { [key] = value }, schema, source.level()))
  end
  if not name then return end -- nil where nothing was
  local trial = {}
  for other, kept in pairs(values) do trial[other] = kept end
  trial[name] = checked
  if how.check then how.check(trial, source.level()) end
  values[name] = checked
  if how.written then how.written(name, checked) end
end

---A table over `values` that checks what is written.
---@param values table checked options
---@param how lossdbg.SettingsHow
---@return table
function M.new(values, how)
  local schema = bare(how.schema)
  return setmetatable({}, { __index = values, noticed = how.noticed,
    __newindex = function(_, key, value) write(values, how, schema, key, value) end,
    __pairs = function() return next, values, nil end })
end

-- Fields of the objects of classes that were made so.
local fields = setmetatable({}, { __mode = "k" })

---Lets objects of a class keep fields that are checked when they are written.
---@param class table its metatable; methods are found in it
---@param how_of fun(values: table, object: table): lossdbg.SettingsHow of one with these fields
function M.class(class, how_of)
  function class.__index(object, key)
    local values = fields[object]
    local value = values and values[key]
    if value ~= nil then return value end
    return class[key]
  end
  function class.__newindex(object, key, value)
    local values = fields[object]
    local how = how_of(values, object)
    write(values, how, bare(how.schema), key, value)
  end
  function class.__pairs(object) return next, fields[object], nil end
end

---An object of such a class.
---@param class table
---@param values table its fields
---@return table
function M.object(class, values)
  local object = setmetatable({}, class)
  fields[object] = values
  return object
end

return M
