--- Descriptions of models as plain data and back: what a saved model's header holds. Everything is
-- read through the constructors of `nn`, so that a file can describe a model but run nothing.
--   { ["$layer"] = { kind, options, state, source } }    { ["$block"] = { kind, layers, ... } }
--   { ["$initializer"] = ... }  { ["$regularizer"] = ... }  { ["$constraint"] = ... }
--   { ["$tensor"] = name }      its elements lie beside the header
--   { ["$mixed"] = { list, named } }   a table with a list part and names
-- Anything else is a list, a table by name, a number, a text or a boolean.
local constraint = require "lossdbg.nn.constraint"
local graph = require "lossdbg.nn.graph"
local initializer = require "lossdbg.nn.initializer"
local json = require "lossdbg.support.json"
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local regularizer = require "lossdbg.nn.regularizer"
local residual = require "lossdbg.nn.residual"
local sequential = require "lossdbg.nn.sequential"

local M = {}

local max_depth = 32

-- ---- writing ------------------------------------------------------------------------------------

local write

local function write_table(value, at, state)
  local list, named, n, plain = json.array(), json.object {}, 0, true
  for key in pairs(value) do
    if math.type(key) == "integer" then n = n + 1 else plain = false end
  end
  if n ~= #value then error(("'%s' has numbers as keys that are no list"):format(at), 0) end
  for i, item in ipairs(value) do list[i] = write(item, ("%s[%d]"):format(at, i), state) end
  if plain then return list end
  for key, item in pairs(value) do
    if type(key) == "string" then named[key] = write(item, at .. "." .. key, state) end
  end
  if n == 0 then return named end
  return json.object { ["$mixed"] = json.object { list = list, named = named } }
end

local function write_options(given, at, state)
  local out = json.object {}
  for key, value in pairs(given) do out[key] = write(value, at .. "." .. key, state) end
  return out
end

local function write_layers(list, at, state)
  local out = json.array()
  for i, item in ipairs(list) do out[i] = write(item, ("%s layer %d"):format(at, i), state) end
  return out
end

local function write_block(value, at, state)
  local out = json.object { kind = value.kind, source = value.source,
    options = write_options(value.options, at, state) }
  if value.kind == "graph" then
    out.layers = write_layers(value.layers, at, state)
    for _, key in ipairs { "inputs", "calls", "outputs" } do
      out[key] = write_table(value[key], at .. "." .. key, state)
    end
    out.named_inputs, out.named_outputs = value.named_inputs, value.named_outputs
    out.last_id = value.last_id
  else
    out.layers = write_layers(value, at, state)
    if value.shortcut then out.shortcut = write_layers(value.shortcut, at .. " shortcut", state) end
  end
  return json.object { ["$block"] = out }
end

local function write_layer(value, at, state)
  local name = value.options.name or value.kind
  return json.object { ["$layer"] = json.object { kind = value.kind, source = value.source,
    options = write_options(value.options, ("%s (%s)"):format(at, name), state),
    state = value.state and write(value.state, at .. ".state", state) } }
end

local function write_tensor(value, state)
  local name = ("option/%d"):format(state.count + 1)
  state.count = state.count + 1
  state.tensors[name] = value
  return json.object { ["$tensor"] = name }
end

local objects = {
  ["lossdbg.initializer"] = function(value, at, state)
    if value.fill then error(("'%s' is a function: no file can hold it"):format(at), 0) end
    return json.object { ["$initializer"] = json.object { name = value.name,
      options = write_options(value.options, at, state) } }
  end,
  ["lossdbg.regularizer"] = function(value)
    return json.object { ["$regularizer"] = json.object { l1 = value.l1, l2 = value.l2,
      orthogonal = value.orthogonal, mode = value.mode } }
  end,
  ["lossdbg.constraint"] = function(value, at, state)
    return json.object { ["$constraint"] = json.object { name = value.name,
      options = write_options(value.options, at, state) } }
  end,
}

function write(value, at, state)
  local kind = type(value)
  if kind == "number" or kind == "string" or kind == "boolean" then return value end
  if options.is_tensor(value) then return write_tensor(value, state) end
  if kind ~= "table" then
    error(("'%s' is a %s: no file can hold it (give the layer a name that lossdbg knows, or " ..
      "save the weights alone with ld.safetensors.save)"):format(at, kind), 0)
  end
  if layer.is_description(value) then return write_layer(value, at, state) end
  if sequential.is_block(value) then return write_block(value, at, state) end
  local meta = getmetatable(value)
  local object = meta and objects[meta.__name]
  if object then return object(value, at, state) end
  if type(meta) == "table" and meta.__call then
    error(("'%s' is a callable object: no file can hold it"):format(at), 0)
  end
  return write_table(value, at, state)
end

---A description as plain data for JSON. Raises a text without a place when it holds a function.
---@param description table a block, a layer, or a list of layers
---@param tensors table<string, userdata> gets the tensors among the options
---@return table
function M.write(description, tensors)
  local state = { tensors = tensors, count = 0 }
  if layer.is_description(description) or sequential.is_block(description) then
    return write(description, "model", state)
  end
  return json.object { ["$block"] = json.object { kind = "sequential", options = json.object {},
    layers = write_layers(description, "model", state) } }
end

-- ---- reading ------------------------------------------------------------------------------------

local read

local function read_table(value, state)
  local out = {}
  for key, item in pairs(value) do out[key] = read(item, state) end
  return out
end

local function expect(condition, text)
  if not condition then error(text, 0) end
end

local blocks = {}

local function read_layers(data, state)
  expect(type(data.layers) == "table" and #data.layers > 0, "a block without layers")
  local list = {}
  for i, item in ipairs(data.layers) do
    list[i] = read(item, state)
    expect(layer.is_description(list[i]) or sequential.is_block(list[i]),
      "a block holds something that is no layer")
  end
  return list
end

local function with_options(list, data, state)
  expect(type(data.options or {}) == "table", "a block whose options are no table")
  for key, value in pairs(read_table(data.options or {}, state)) do
    expect(type(key) == "string", "a block with an option without a name")
    list[key] = value
  end
  return list
end

function blocks.sequential(data, state)
  return sequential.describe(with_options(read_layers(data, state), data, state))
end

function blocks.residual(data, state)
  local list = with_options(read_layers(data, state), data, state)
  if data.shortcut then list.shortcut = read_layers({ layers = data.shortcut }, state) end
  return residual.describe(list)
end

function blocks.graph(data, state)
  return graph.from_data(read_layers(data, state), data, read_table(data.options or {}, state))
end

local readers = {
  ["$layer"] = function(data, state)
    expect(type(data.kind) == "string" and type(data.options) == "table", "a layer without a kind")
    local made = layer.describe(data.kind, read_table(data.options, state), data.source)
    made.source = type(data.source) == "string" and data.source or nil
    made.state = data.state and read(data.state, state) or nil
    return made
  end,
  ["$block"] = function(data, state)
    local reader = blocks[data.kind]
    expect(reader, "a block of an unknown kind")
    local made = reader(data, state)
    made.source = type(data.source) == "string" and data.source or nil
    return made
  end,
  ["$initializer"] = function(data, state)
    local given = read_table(data.options or {}, state)
    given.name = data.name
    return initializer.get(given)
  end,
  ["$regularizer"] = function(data)
    return regularizer.internal.resolve({ l1 = data.l1, l2 = data.l2, mode = data.mode,
      orthogonal = data.orthogonal }, "load", "regularizer")
  end,
  ["$constraint"] = function(data, state)
    return constraint.resolve({ name = data.name, options = read_table(data.options or {}, state) },
      "load", "constraint")
  end,
  ["$tensor"] = function(data, state)
    expect(state.tensors[data], "a tensor among the options is missing")
    return state.tensors[data]
  end,
  ["$mixed"] = function(data, state)
    expect(type(data.list) == "table" and type(data.named) == "table", "a malformed table")
    local out = read_table(data.named, state)
    for i, item in ipairs(data.list) do out[i] = read(item, state) end
    return out
  end,
}

function read(value, state)
  if type(value) ~= "table" then return value end
  state.depth = state.depth + 1
  expect(state.depth <= max_depth, ("nested deeper than %d"):format(max_depth))
  local key, data = next(value)
  local out
  if type(key) == "string" and key:sub(1, 1) == "$" and next(value, key) == nil then
    expect(readers[key], ("'%s' is unknown here (written by a newer version?)"):format(key))
    expect(key == "$tensor" or type(data) == "table", ("a malformed '%s'"):format(key))
    out = readers[key](data, state)
  else
    out = read_table(value, state)
  end
  state.depth = state.depth - 1
  return out
end

---A description from plain data. Raises a text when the data describe no model.
---@param data any as `write` returned it, through JSON
---@param tensors table<string, userdata>
---@return table block
function M.read(data, tensors)
  local made = read(data, { tensors = tensors, depth = 0 })
  if layer.is_description(made) then return sequential.describe { made } end
  expect(sequential.is_block(made), "the file describes no model")
  return made
end

return M
