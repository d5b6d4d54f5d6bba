--- Models as Keras writes them (model.to_json(), config.json), Keras 2 and 3, sequential and
-- functional, as our descriptions.
local attempt = require "lossdbg.support.attempt"
local config = require "lossdbg.interop.keras_config"
local json = require "lossdbg.support.json"
local layers = require "lossdbg.interop.keras_layers"
local nn = require "lossdbg.nn"

local M = {}

local fail = config.fail
local models = { Sequential = true, Functional = true, Model = true }

local function described(object)
  local name = type(object.config) == "table" and object.config.name or object.name
  return ("layer '%s' (%s)"):format(tostring(name), tostring(object.class_name))
end

-- ---- one layer ---------------------------------------------------------------------------------

local function option(key, value, where)
  if key:find "_initializer$" then return config.initializer(value, where, key) end
  if key:find "_regularizer$" then return config.regularizer(value, where, key) end
  if key:find "_constraint$" then return config.constraint(value, where, key) end
  if key == "activation" or key == "recurrent_activation" then
    return config.activation(value, where, key)
  end
  if key == "axis" and type(value) == "table" and #value == 1 then return value[1] end
  return value
end

local plain_layer

-- A layer's object as the options that `keras_layers` reads.
function plain_layer(object)
  local where = described(object)
  if type(object.config) ~= "table" then fail(where, "config", "an object", object.config) end
  local from = {}
  for key, value in pairs(config.without_nulls(object.config)) do
    if key == "dtype" then
      config.check_dtype(value, where)
    elseif (key == "layer" or key == "backward_layer") and type(value) == "table" then
      local inner = plain_layer(value)
      inner.name = nil
      from[key == "layer" and "layer_config" or "backward_config"] = inner
    else
      from[key] = option(key, value, where)
    end
  end
  from.layer = config.snake(object.class_name)
  return from
end

-- Shape of one sample from [null, 28, 28, 1].
local function sample_shape(shape, where)
  if type(shape) ~= "table" then fail(where, "batch_shape", "a list such as [null, 13]", shape) end
  local out = {}
  for i = 2, #shape do
    if math.type(shape[i]) ~= "integer" then
      fail(where, "batch_shape", "known sizes (a sequence of any length cannot be built)", shape[i])
    end
    out[i - 1] = shape[i]
  end
  return out
end

local function input_of(object)
  local c = type(object.config) == "table" and object.config or {}
  local shape = c.batch_shape or c.batch_input_shape
  if shape == nil or shape == json.null then return nil end
  return sample_shape(shape, described(object))
end

-- A layer or a nested model. With a list of problems, what is not known is told there and stands
-- as a layer that passes its input on.
local function item(object, problems)
  if type(object) ~= "table" or type(object.class_name) ~= "string" then
    fail("model", "layers", "objects with class_name", object)
  end
  if models[object.class_name] then return M.model(object, problems).model end
  if not problems then return layers.layer(plain_layer(object), described(object)) end
  local ok, made = attempt.call(function()
    return layers.layer(plain_layer(object), described(object))
  end)
  if ok then return made end
  problems[#problems + 1] = tostring(made):gsub("^.-lossdbg: interop.keras: ", "")
  return nn.activation { "linear", name = type(object.config) == "table" and object.config.name }
end

-- ---- sequential --------------------------------------------------------------------------------

local function sequential(object, problems)
  local c = object.config
  local list = c.layers or c -- the oldest files have the list itself
  if type(list) ~= "table" or #list == 0 then fail("model", "layers", "at least one layer", nil) end
  local given, shape = { name = type(c.name) == "string" and c.name or nil }, nil
  for _, one in ipairs(list) do
    shape = shape or input_of(one)
    if one.class_name ~= "InputLayer" then given[#given + 1] = item(one, problems) end
  end
  local built = c.build_input_shape
  if not shape and type(built) == "table" then shape = sample_shape(built, "model") end
  return { model = nn.sequential(given), input_shape = shape }
end

-- ---- functional --------------------------------------------------------------------------------

local function add_tensors(value, into)
  if type(value) ~= "table" then return end
  if value.class_name == "__keras_tensor__" then
    local history = value.config.keras_history
    into[#into + 1] = { name = history[1], node = history[2], output = history[3] }
    return
  end
  for _, one in ipairs(value) do add_tensors(one, into) end
end

-- A mask that Keras made itself, of what Embedding or Masking left out: ours take the same way.
local made_masks = { NotEqual = true, Any = true }

local function is_own_mask(key, value, by_name)
  local tensors = {}
  if key == "mask" then add_tensors(value, tensors) end
  local from = #tensors == 1 and by_name[tensors[1].name]
  return from and made_masks[from.class_name]
end

local function check_arguments(arguments, where, by_name)
  for key, value in pairs(type(arguments) == "table" and arguments or {}) do
    if value ~= json.null and value ~= false and key ~= "training"
      and not is_own_mask(key, value, by_name) then
      fail(where, key, "no argument of that name at a call", value)
    end
  end
end

-- Inputs of one call of a layer: Keras 3 has { args, kwargs }, Keras 2 [["dense", 0, 0, {}], ...].
local function sources(node, where, by_name)
  local list = {}
  if node.args then
    add_tensors(node.args, list)
    check_arguments(node.kwargs, where, by_name)
    return list
  end
  if type(node[1]) == "string" then node = { node } end
  for _, from in ipairs(node) do
    list[#list + 1] = { name = from[1], node = from[2], output = from[3] }
    check_arguments(from[4], where, by_name)
  end
  return list
end

-- ["a", 0, 0], [["a", 0, 0], ...] or an object by name, as a list.
local function ends(value, key)
  if type(value) ~= "table" then fail("model", key, "a list", value) end
  if type(value[1]) == "string" then value = { value } end
  local list, names = {}, {}
  for name in pairs(value) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    list[#list + 1] = { name = value[name][1], node = value[name][2], output = value[name][3] }
  end
  for _, one in ipairs(value) do
    list[#list + 1] = { name = one[1], node = one[2], output = one[3] }
  end
  return list
end

local value_of

-- The symbolic value that a layer's call gave.
function value_of(state, from)
  local object = state.by_name[from.name]
  if not object then fail("model", "inbound_nodes", "the name of a layer", from.name) end
  local key = from.name .. "/" .. tostring(from.node)
  if state.values[key] == false then
    fail(described(object), "inbound_nodes", "layers without a cycle", from.name)
  end
  if not state.values[key] then
    state.values[key] = false
    local where, node = described(object), object.inbound_nodes[from.node + 1]
    if not node then fail(where, "inbound_nodes", "call " .. tostring(from.node), nil) end
    state.items[from.name] = state.items[from.name] or item(object, state.problems)
    local inputs = {}
    for i, one in ipairs(sources(node, where, state.by_name)) do
      inputs[i] = value_of(state, one)
    end
    state.values[key] = { state.items[from.name](table.unpack(inputs)) }
  end
  local value = state.values[key][1]
  return value.call == nil and value.shape == nil and value[from.output + 1] or value
end

-- The layers in a row when every one is called once on the one before, else nil.
local function chain(state, first, last)
  local items, at = {}, last
  while at.name ~= first.name do
    local object = state.by_name[at.name]
    if not object or #(object.inbound_nodes or {}) ~= 1 then return nil end
    local from = sources(object.inbound_nodes[1], described(object), state.by_name)
    if #from ~= 1 or state.used[from[1].name] or #items > #state.order then return nil end
    state.used[from[1].name] = true
    table.insert(items, 1, object)
    at = from[1]
  end
  return #items == #state.order - 1 and items or nil
end

local function graph(state, inputs, outputs, name)
  local given = { inputs = {}, outputs = {}, name = name }
  for i, one in ipairs(inputs) do
    local shape = input_of(state.by_name[one.name])
    if not shape then fail("model", "input_layers", "inputs with a shape", one.name) end
    shape.name = one.name
    given.inputs[i] = nn.input(shape)
    state.values[one.name .. "/" .. one.node] = { given.inputs[i] }
  end
  for i, one in ipairs(outputs) do given.outputs[i] = value_of(state, one) end
  return nn.graph(given)
end

local function functional(object, problems)
  local c = object.config
  if type(c.layers) ~= "table" then fail("model", "layers", "a list", c.layers) end
  local state = { by_name = {}, values = {}, items = {}, used = {}, order = c.layers,
    problems = problems }
  for _, one in ipairs(c.layers) do
    state.by_name[one.name or one.config and one.config.name] = one
  end
  local inputs = ends(c.input_layers, "input_layers")
  local outputs = ends(c.output_layers, "output_layers")
  local first = inputs[1] and state.by_name[inputs[1].name]
  local shape = first and input_of(first)
  local row = #inputs == 1 and #outputs == 1 and chain(state, inputs[1], outputs[1])
  if not row then return { model = graph(state, inputs, outputs, c.name) } end
  local given = { name = c.name }
  for i, one in ipairs(row) do given[i] = item(one, problems) end
  return { model = nn.sequential(given), input_shape = shape }
end

--- A model and, where it is known, the shape of one sample.
---@param object table decoded JSON
---@param problems? string[] where to tell of layers that are not known, instead of raising
---@return { model: table, input_shape: integer[]|nil }
function M.model(object, problems)
  if type(object) ~= "table" or not models[object.class_name] then
    fail("model", "class_name", "Sequential or Functional (a subclassed model lists no layers)",
      type(object) == "table" and object.class_name or object)
  end
  if type(object.config) ~= "table" then fail("model", "config", "an object", object.config) end
  local of_class = object.class_name == "Sequential" and sequential or functional
  return of_class(object, problems)
end

return M
