--- Constraints on weights, applied in place after every step of an optimiser: max_norm,
-- min_max_norm, unit_norm, non_neg. Norms are taken along `axis` (1 = the inputs of a dense kernel,
-- { 1, 2, 3 } a whole filter of a 2D convolution), as in Keras, whose axes count from 0.
local core = require "lossdbg.core"
local options = require "lossdbg.support.options"
local reads = require "lossdbg.tensor.reads"
local settings = require "lossdbg.support.settings"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local M = {}

local epsilon = 1e-7

---@class lossdbg.Constraint
---@field name string
---@field options table plain data
---@operator call(userdata): userdata

local Constraint = { __name = "lossdbg.constraint" }
Constraint.__index = Constraint
reads.kind(Constraint, {})

local AXIS = { name = "axis", type = "integer|table", default = 1,
  doc = "axis or list of axes of one norm, from 1, negative from the end" }

local schemas = {
  non_neg = {},
  unit_norm = { AXIS },
  max_norm = {
    { name = "max_value", type = "number", min = 0, default = 2, positional = 1,
      doc = "largest norm" }, AXIS,
  },
  min_max_norm = {
    { name = "min_value", type = "number", min = 0, default = 0,
      doc = "least norm" },
    { name = "max_value", type = "number", min = 0, default = 1,
      doc = "largest norm" },
    { name = "rate", type = "number", min = 0, max = 1, default = 1,
      doc = "share of the way that is moved at each step" }, AXIS,
  },
}

for name, schema in pairs(schemas) do options.declare("constraint." .. name)(schema) end

local function norms(w, axis) return w:square():sum(axis, true):sqrt() end

local apply = {}

function apply.non_neg(w) return w:maximum(0) end

function apply.unit_norm(w, o) return w:div(norms(w, o.axis):add(epsilon)) end

function apply.max_norm(w, o)
  local norm = norms(w, o.axis)
  return w:mul(norm:clip(0, o.max_value):div(norm:add(epsilon)))
end

function apply.min_max_norm(w, o)
  local norm = norms(w, o.axis)
  local wanted = norm:clip(o.min_value, o.max_value):mul(o.rate):add(norm:mul(1 - o.rate))
  return w:mul(wanted:div(norm:add(epsilon)))
end

---Changes a tensor so that it fulfils the constraint. NaN stays NaN.
---@param tensor userdata
---@return userdata tensor the same
function Constraint:__call(tensor)
  if not options.is_tensor(tensor) then
    options.fail("constraint." .. self.name, "tensor", "a tensor", tensor, nil, source.level())
  end
  tensors.no_grad(function()
    local w = tensor:detach()
    w:copy_(apply[self.name](w, self.options))
  end)
  return tensor
end

function Constraint:__tostring()
  local parts = {}
  for key, value in pairs(self.options) do
    local shown = type(value) == "table" and "{ " .. table.concat(value, ", ") .. " }" or value
    parts[#parts + 1] = ("%s = %s"):format(key, shown)
  end
  table.sort(parts)
  return ("%s { %s }"):format(self.name, table.concat(parts, ", "))
end

local names = {}
for name in pairs(schemas) do names[#names + 1] = name end
table.sort(names)

local function check_axis(where, axis)
  for _, one in ipairs(type(axis) == "table" and axis or { axis }) do
    if math.type(one) ~= "integer" or one == 0 then
      options.fail(where, "axis", "integers from 1, negative from the end", one, nil,
        source.level())
    end
  end
end

local function new(name, given, where)
  local checked = options.check(where, given, schemas[name], source.level())
  if checked.axis then check_axis(where, checked.axis) end
  if name == "min_max_norm" and checked.min_value > checked.max_value then
    options.fail(where, "min_value", "at most max_value", checked.min_value, nil, source.level())
  end
  return setmetatable({ name = name, options = settings.new(checked, { where = where,
    schema = schemas[name], noticed = true, written = core.plan.changed }) }, Constraint)
end

---Reads "non_neg", `ld.constraint.max_norm(3)`, `{ "max_norm", max_value = 3 }`; nil and "none" are
---no constraint.
---@param given any
---@param where string for messages
---@param name string argument name for messages
---@return lossdbg.Constraint|nil
function M.resolve(given, where, name)
  if given == nil or given == "none" or getmetatable(given) == Constraint then
    return given ~= "none" and given or nil
  end
  local kind, rest = given, nil
  if type(given) == "table" then
    kind, rest = given.name or given[1], {}
    for key, value in pairs(given.options or given) do
      if key ~= "name" and key ~= 1 then rest[key] = value end
    end
  end
  if type(kind) ~= "string" then
    options.fail(where, name, "a constraint such as \"non_neg\"", given, nil, source.level())
  elseif not schemas[kind] then
    error(("lossdbg: %s: argument '%s': unknown constraint %s%s"):format(where, name,
      options.show(kind), options.hint(kind, names)), source.level())
  end
  return new(kind, rest, where .. ": " .. name)
end

---Adds an option "x_constraint" for every weight of a layer that has "x_regularizer".
---@param schema lossdbg.option[] of a layer; changed
function M.extend(schema)
  local known = {}
  for _, option in ipairs(schema) do known[option.name] = true end
  for i = 1, #schema do
    local stem = schema[i].name:match("^(.*)regularizer$")
    if stem and stem ~= "activity_" and not known[stem .. "constraint"] then
      schema[#schema + 1] = { name = stem .. "constraint", type = "string|table",
        alias = stem == "" and "embeddings_constraint" or nil,
        doc = "applied to the weights after every step" }
    end
  end
end

---Resolves the constraints among the options of a layer.
---@param checked table
---@param where string
function M.read(checked, where)
  for key, value in pairs(checked) do
    if type(key) == "string" and key:find("constraint$") then
      checked[key] = M.resolve(value, where, key)
    end
  end
end

---The constraint of one weight of a layer.
---@param given table options of the layer
---@param name string of the weight: "kernel", "recurrent_kernel", "embeddings"
---@return lossdbg.Constraint|nil
function M.of(given, name)
  return given[name .. "_constraint"] or given[name:gsub("_kernel$", "") .. "_constraint"]
    or given.constraint
end

---Every column (axis 1) shorter than max_value stays; longer ones are brought down to it.
---@param given? number|table max_value = 2, axis = 1
---@return lossdbg.Constraint
function M.max_norm(given)
  local made = new("max_norm", given, "constraint.max_norm")
  return made
end

---Norms between two values; rate < 1 moves only part of the way at each step.
---@param given? table min_value = 0, max_value = 1, rate = 1, axis = 1
---@return lossdbg.Constraint
function M.min_max_norm(given)
  local made = new("min_max_norm", given, "constraint.min_max_norm")
  return made
end

---Norms of 1.
---@param given? table axis = 1
---@return lossdbg.Constraint
function M.unit_norm(given)
  local made = new("unit_norm", given, "constraint.unit_norm")
  return made
end

---No weight below 0.
---@return lossdbg.Constraint
function M.non_neg(given)
  local made = new("non_neg", given, "constraint.non_neg")
  return made
end

return M
