--- Layers: what every kind shares.
-- A layer is a description (plain data: kind, options, source line) until a model is built for an
-- input shape; built, it owns parameters. A kind is one table given to `define`.
local constraint = require "lossdbg.nn.constraint"
local core = require "lossdbg.core"
local tensors = require "lossdbg.tensor"
local initializer = require "lossdbg.nn.initializer"
local observers = require "lossdbg.support.observers"
local options = require "lossdbg.support.options"
local reads = require "lossdbg.tensor.reads"
local source = require "lossdbg.support.source"

local M = {}

---@class lossdbg.LayerDescription
---@field kind string          "dense", "activation", ...
---@field options table        checked options with their defaults
---@field source string|nil    "file.lua:8", the line that wrote it
---@field state table|nil      what `adapt` learnt (normalization)

---@class lossdbg.Layer
---@field path string          "dense_1", "block/dense_2"
---@field kind string
---@field options table
---@field source string|nil
---@field trainable boolean
---@field input_shape integer[]  of one sample; of the first input where there are several
---@field input_shapes integer[][]|nil of all inputs, in graphs
---@field output_shape integer[] of one sample
---@field output_shapes integer[][]|nil of all outputs, when there are several
---@field parameters { name: string, tensor: userdata, role: string, regularizer: table|nil,
---  trainable: boolean|nil }[] trainable = false: a statistic that no optimiser may touch
---@field weights table<string, userdata> the same tensors by name

---@class lossdbg.LayerKind
---@field kind string
---@field schema lossdbg.option[]
---@field inputs? integer[]   { least, most } number of inputs, default { 1, 1 }; called on several
---                            (always, when least is 2), infer gets a list of shapes and forward a
---                            list of tensors
---@field outputs? fun(options: table): integer number of outputs, default 1; infer then returns as
---                            many shapes and forward as many tensors (a sequential uses the first)
---@field infer fun(layer: lossdbg.Layer, input_shape: integer[]): integer[] shape of one output
---@field create? fun(layer: lossdbg.Layer, context: table) makes the parameters
---@field forward fun(layer: lossdbg.Layer, x: userdata, context: table): userdata
---@field check? fun(options: table, where: string) extra checks of the options
---@field methods? table<string, function> methods of the description

M.kinds = {}

local common = {
  { name = "name", type = "string", doc = "path of the layer in its model" },
  { name = "trainable", type = "boolean", default = true, doc = "false: the optimiser skips it" },
}

local Description = { __name = "lossdbg.layer" }

function Description.__index(self, key)
  local class = M.kinds[rawget(self, "kind")]
  local methods = class and class.methods
  return methods and methods[key] or Description[key]
end

function Description.__tostring(self)
  local parts, class = {}, M.kinds[self.kind]
  for _, option in ipairs(class.schema) do
    local value = self.options[option.name]
    if value ~= nil and value ~= option.default then
      local shown = options.show(value)
      parts[#parts + 1] = option.positional and shown or (option.name .. " = " .. shown)
    end
  end
  local at = self.source and ("  -- " .. self.source) or ""
  return ("%s { %s }%s"):format(self.kind, table.concat(parts, ", "), at)
end

---Builds a model of this one layer.
---@param input_shape integer[] shape of one sample
---@param build_options? table see sequential
---@return lossdbg.Model
function Description:build(input_shape, build_options)
  return require("lossdbg.nn.sequential").build({ self }, input_shape, build_options)
end

---Applied to symbolic inputs: see nn.graph. Every call shares the weights.
function Description:__call(...)
  return require("lossdbg.nn.symbolic").call(self, ...)
end

---True for what the constructors in `nn` return.
function M.is_description(value)
  return type(value) == "table" and getmetatable(value) == Description
end

-- What a layer begins with, and what it is and where it stands, no step reads again.
local settled = { source = true, kind = true, path = true, index = true, input_shape = true,
  input_shapes = true, output_shape = true, output_shapes = true }
local function unread(key)
  return type(key) == "string" and (settled[key] or key:find("init", 1, true) ~= nil)
end

-- What a step reads of a parameter.
local Parameter = {}
reads.kind(Parameter, { fields = { "tensor", "regularizer", "constraint" } })

---Registers a kind and returns its constructor.
---@param class lossdbg.LayerKind
---@return fun(given: any): lossdbg.LayerDescription
function M.define(class)
  local schema = table.move(class.schema, 1, #class.schema, 1, {})
  class.schema = table.move(common, 1, #common, #schema + 1, schema)
  constraint.extend(class.schema)
  class.__index = class
  for name, method in pairs(M.methods) do class[name] = class[name] or method end
  M.kinds[class.kind] = class
  reads.kind(class, { counts = { "calls" }, unread = unread })
  return function(given, ...)
    options.alone("nn." .. class.kind, given, select("#", ...), (...), source.level())
    return M.describe(class.kind, given)
  end
end

---Checks options and makes a description.
---@param kind string
---@param given any option table, or the first positional option alone
---@param position? string source line; default: the caller's
---@return lossdbg.LayerDescription
function M.describe(kind, given, position)
  local class = M.kinds[kind]
  if not class then
    local names = {}
    for name in pairs(M.kinds) do names[#names + 1] = name end
    table.sort(names)
    error(("lossdbg: nn: unknown layer kind %s%s"):format(
      options.show(kind), options.hint(kind, names)), source.level())
  end
  local where = "nn." .. kind
  local checked = options.check(where, given, class.schema, source.level())
  constraint.read(checked, where)
  if class.check then class.check(checked, where) end
  return setmetatable({ kind = kind, options = checked, source = position or source.here() },
    Description)
end

---A description from what patches and model lists may hold: a description, the name of a kind, or
---plain data `{ kind = "dense", options = {...} }` / `{ kind = "dense", units = 3 }`.
---@param value any
---@param where string for messages
---@return lossdbg.LayerDescription
function M.from(value, where)
  if M.is_description(value) then return value end
  if type(value) == "string" then return M.describe(value) end
  if type(value) ~= "table" or type(value.kind) ~= "string" then
    options.fail(where, "layer", "a layer such as nn.dense { 32, \"relu\" }", value, nil,
      source.level())
  end
  local given = {}
  for key, option in pairs(value.options or value) do
    if key ~= "kind" and key ~= "source" then given[key] = option end
  end
  return M.describe(value.kind, given, value.source)
end

---The same layer with some options changed.
---@param description lossdbg.LayerDescription
---@param changes table<string, any> name to new value; `false` clears one without a default
---@return lossdbg.LayerDescription
function M.with(description, changes)
  local given = {}
  for name, value in pairs(description.options) do given[name] = value end
  for name, value in pairs(changes) do given[name] = value end
  for _, option in ipairs(M.kinds[description.kind].schema) do
    local boolean = (option.type or "any"):find("boolean", 1, true) or option.type == nil
    if given[option.name] == false and not boolean then given[option.name] = nil end
  end
  local changed = M.describe(description.kind, given, description.source)
  changed.state = description.state
  return changed
end

local axis_names = {
  { "features" }, { "steps", "features" }, { "height", "width", "channels" },
}

---"[batch, features 13]"
function M.shape_text(shape)
  local names, parts = axis_names[#shape], { "batch" }
  for i, size in ipairs(shape) do
    parts[#parts + 1] = names and ("%s %s"):format(names[i], size) or tostring(size)
  end
  return "[" .. table.concat(parts, ", ") .. "]"
end

---Raises a shape error that names the layer, both shapes and the likely cause.
---@param layer { path: string, source: string|nil }
---@param expected string
---@param got integer[] shape of one sample
---@param cause? string
function M.shape_error(layer, expected, got, cause)
  local at = layer.source and (" (written in " .. layer.source .. ")") or ""
  error(("lossdbg: layer '%s'%s: expected input %s, got %s%s"):format(layer.path, at, expected,
    M.shape_text(got), cause and (" (" .. cause .. ")") or ""), source.level())
end

M.methods = {}

---Adds a parameter, filled by its initialiser from a stream that depends only on the seed, the
---layer's path and the parameter's name, so that patched twins start from the same numbers.
---@param context { seed: integer, dtype: string }
---@param name string
---@param shape integer[]
---@param init any initialiser description
---@param regularizer? table
---@param fan_in? number default: from the shape
function M.methods:add_parameter(context, name, shape, init, regularizer, fan_in)
  local tensor = tensors.zeros(shape, context.dtype)
  local stream = core.random.stream("init/" .. self.path .. "/" .. name, 0, 0)
  init = initializer.get(init)
  init(tensor, context.seed, stream, fan_in, fan_in and shape[#shape])
  tensor.requires_grad = self.trainable
  self.weights[name] = tensor
  self.parameters[#self.parameters + 1] = setmetatable({ name = name, tensor = tensor, role = name,
    regularizer = regularizer, init = init, fan_in = fan_in,
    constraint = constraint.of(self.options, name) }, Parameter)
end

---Adds a parameter that is no weight but kept with them: cloned, saved and frozen with the layer,
---never given to an optimiser.
---@param context { seed: integer, dtype: string }
---@param name string
---@param shape integer[]
---@param init any initialiser description
function M.methods:add_statistic(context, name, shape, init)
  self:add_parameter(context, name, shape, init)
  local entry = self.parameters[#self.parameters]
  entry.trainable, entry.tensor.requires_grad, entry.constraint = false, false, nil
end

---Draws the parameters anew, as at the start.
---@param seed integer
---@param step integer other numbers for every step
function M.methods:reinitialise(seed, step)
  for _, parameter in ipairs(self.parameters) do
    local stream = core.random.stream("init/" .. self.path .. "/" .. parameter.name, step, 0)
    local fan_in, shape = parameter.fan_in, parameter.tensor.shape
    parameter.init(parameter.tensor, seed, stream, fan_in, fan_in and shape[#shape])
  end
  if observers.any then observers.tell("drawn", self) end
end

---Number of values in the parameters.
---@param trainable_only? boolean without statistics
---@return integer
function M.methods:count(trainable_only)
  local n = 0
  for _, parameter in ipairs(self.parameters) do
    if not (trainable_only and parameter.trainable == false) then n = n + parameter.tensor.numel end
  end
  return n
end

---Builds a layer for an input shape.
---@param description lossdbg.LayerDescription
---@param path string
---@param input_shape integer[]|integer[][] a list of shapes for several inputs
---@param context table { seed, dtype, adapt = function that gives the training rows, or nil }
---@param trainable? boolean false: frozen by the block it stands in
---@return lossdbg.Layer
function M.create(description, path, input_shape, context, trainable)
  local class = M.kinds[description.kind]
  local several = type(input_shape[1]) == "table"
  if class.inputs and class.inputs[1] > 1 and not several then
    error(("lossdbg: layer '%s': expected %d or more inputs, got one (it joins values of a " ..
      "graph, nn.%s { a, b })"):format(path, class.inputs[1], class.kind), source.level())
  end
  local layer = setmetatable({
    path = path, kind = description.kind,
    options = M.settable(class, description.options),
    source = description.source, state = description.state,
    trainable = trainable ~= false and description.options.trainable ~= false,
    input_shape = several and input_shape[1] or input_shape, parameters = {}, weights = {},
    input_shapes = several and input_shape or nil,
  }, class)
  local shapes = { class.infer(layer, input_shape) }
  layer.output_shape, layer.output_shapes = shapes[1], #shapes > 1 and shapes or nil
  if class.create then class.create(layer, context) end
  return layer
end

for name, fn in pairs(require "lossdbg.nn.layer_copy") do M[name] = fn end

return M
