--- Graph: layers with several inputs or outputs, shared layers, layers that join. Made from
-- symbolic values (see nn.symbolic) and then plain data:
--   inputs  = { { name, shape, id, source } }          values that come from outside
--   layers  = { description, ... }                     each once, however often it is called
--   calls   = { { layer = place in layers, from = { id }, to = { id }, source } }  in an order that
--             computes every value before it is used
--   outputs = { { id, name } }
-- A layer called twice is shared: one path, one set of weights.
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local sequential = require "lossdbg.nn.sequential"
local source = require "lossdbg.support.source"
local symbolic = require "lossdbg.nn.symbolic"

local M = {}

---@class lossdbg.Graph
---@field kind "graph"
---@field options { name: string|nil, trainable: boolean }
---@field inputs { name: string, shape: integer[], id: integer, source: string|nil }[]
---@field layers table[]
---@field calls { layer: integer, from: integer[], to: integer[], source: string|nil }[]
---@field outputs { id: integer, name: string|nil }[]
---@field named_inputs boolean  fed as a table by name, else in order
---@field named_outputs boolean returned as a table by name, else in order
---@field source string|nil

local Graph = { __name = "lossdbg.graph", block = true }
Graph.__index = Graph

local schema = options.declare "nn.graph" {
  { name = "inputs", type = "table", required = true, doc = "{ nn.input {...}, ... }" },
  { name = "outputs", type = "table", required = true, doc = "{ symbolic value, ... }" },
  { name = "name", type = "string", doc = "path of the block in its model" },
  { name = "trainable", type = "boolean", default = true,
    doc = "false: the optimiser skips it" },
}

function M.is_description(value)
  return type(value) == "table" and getmetatable(value) == Graph
end

local function fail(name, expected, value, cause)
  options.fail("nn.graph", name, expected, value, cause, source.level())
end

local function check_value(value, name)
  if symbolic.is_symbolic(value) then return end
  local described = layer.is_description(value) or sequential.is_block(value)
  fail(name, "symbolic values (nn.input, or a layer called on one)", value,
    described and "a layer that was never called: write nn.dense(4)(x)" or nil)
end

-- A value, a list or a table by name, as a list of { value, name }; names are sorted.
local function entries(given, name)
  if symbolic.is_symbolic(given) then return { { value = given } }, false, true end
  local list, keys, n = {}, {}, 0
  for key in pairs(given) do
    if type(key) == "string" then keys[#keys + 1] = key else n = math.max(n, key) end
  end
  if n > 0 and #keys > 0 then fail(name, "a list, or a table by name", "a mixture of both") end
  table.sort(keys)
  for i, key in ipairs(keys) do list[i] = { value = given[key], name = key } end
  for i = 1, n do list[i] = { value = given[i] } end
  if #list == 0 then fail(name, "at least one", nil, "the table is empty") end
  for i = 1, #list do check_value(list[i].value, name) end
  return list, #keys > 0, false
end

-- ---- from symbolic values to data --------------------------------------------------------------

local function place(value)
  return value.source and (" (written in " .. value.source .. ")") or ""
end

local function read_inputs(self, list, known)
  local used = {}
  for i, entry in ipairs(list) do
    local value = entry.value
    if value.call then
      fail("inputs", "what nn.input returned", "the " .. tostring(value),
        "the values that come from outside")
    elseif known[value] then
      fail("inputs", "every input once", "the same nn.input twice")
    end
    local name = entry.name or value.name or ("input_" .. i)
    if used[name] then
      error(("lossdbg: nn.graph: argument 'inputs': two inputs are called '%s'"):format(name),
        source.level())
    end
    used[name] = true
    self.last_id = self.last_id + 1
    known[value] = self.last_id
    self.inputs[i] = { name = name, shape = value.shape, id = self.last_id, source = value.source }
  end
end

-- The place of a layer in self.layers, entered when it is new.
local function enter(self, item, places)
  if not places[item] then
    self.layers[#self.layers + 1] = item
    places[item] = #self.layers
  end
  return places[item]
end

-- Enters the calls that a value needs, first those it depends on. state.known[call] is the list of
-- ids, or false while the call is being entered.
local function visit(self, value, state)
  local call = value.call
  if not call then
    local id = state.known[value]
    if id then
      state.reached[value] = true
      return id
    end
    error(("lossdbg: nn.graph: argument 'outputs': they depend on %s%s, which is not among the " ..
      "inputs"):format(value.name and ("the input '%s'"):format(value.name) or "an nn.input",
      place(value)), source.level())
  end
  local ids = state.known[call]
  if ids == false then
    error(("lossdbg: nn.graph: argument 'outputs': a cycle goes through nn.%s%s: a value cannot " ..
      "depend on itself"):format(call.layer.kind, place(call)), source.level())
  elseif not ids then
    state.known[call] = false
    local from = {}
    for i, input in ipairs(call.inputs) do from[i] = visit(self, input, state) end
    ids = {}
    for i = 1, symbolic.count_outputs(call.layer) do
      self.last_id = self.last_id + 1
      ids[i] = self.last_id
    end
    self.calls[#self.calls + 1] = { layer = enter(self, call.layer, state.places), from = from,
      to = ids, source = call.source }
    state.known[call] = ids
  end
  return ids[value.output]
end

---`nn.graph { inputs = { x }, outputs = { y } }`; with names:
---`nn.graph { inputs = { left = a, right = b }, outputs = { class = y, score = z } }`.
---Layers stand in the order in which the outputs need them.
---@param given { inputs: table, outputs: table, name: string|nil, trainable: boolean|nil }
---@return lossdbg.Graph
function M.describe(given)
  local checked = options.check("nn.graph", given, schema, source.level())
  local self = setmetatable({ kind = "graph", inputs = {}, layers = {}, calls = {}, outputs = {},
    last_id = 0, options = { name = checked.name, trainable = checked.trainable },
    source = source.here() }, Graph)
  local inputs, named_inputs = entries(checked.inputs, "inputs")
  local outputs, named_outputs = entries(checked.outputs, "outputs")
  self.named_inputs, self.named_outputs = named_inputs, named_outputs
  local state = { known = {}, reached = {}, places = {} }
  read_inputs(self, inputs, state.known)
  for i, entry in ipairs(outputs) do
    self.outputs[i] = { id = visit(self, entry.value, state), name = entry.name }
  end
  for i, entry in ipairs(inputs) do
    if not state.reached[entry.value] then
      error(("lossdbg: nn.graph: argument 'inputs': no output depends on '%s'%s: connect it or " ..
        "leave it out"):format(self.inputs[i].name, place(entry.value)), source.level())
    end
  end
  if #self.calls == 0 then
    fail("outputs", "what a layer returned", "an input", "the graph has no layer")
  end
  return self
end

local function ids_known(list, known)
  for _, id in ipairs(type(list) == "table" and list or { false }) do
    if not known[id] then return false end
  end
  return true
end

-- The calls of saved data, each id made before it is used.
local function read_calls(self, calls, known)
  for i, call in ipairs(calls) do
    local item = type(call) == "table" and self.layers[call.layer]
    if not item or not ids_known(call.from, known) or type(call.to) ~= "table"
      or #call.to ~= symbolic.count_outputs(item) then
      error(("call %d of a graph is malformed"):format(i), 0)
    end
    for _, id in ipairs(call.to) do
      if math.type(id) ~= "integer" or known[id] then error("a graph makes a value twice", 0) end
      known[id] = true
    end
    self.calls[i] = { layer = call.layer, from = call.from, to = call.to, source = call.source }
  end
end

---A graph from its saved parts. Raises a text when they do not fit together.
---@param list table[] descriptions of the layers
---@param data { inputs: table, calls: table, outputs: table }
---@param given table options
---@return lossdbg.Graph
function M.from_data(list, data, given)
  for _, key in ipairs { "inputs", "calls", "outputs" } do
    if type(data[key]) ~= "table" or #data[key] == 0 then error("a graph without " .. key, 0) end
  end
  local self = setmetatable({ kind = "graph", inputs = {}, layers = list, calls = {}, outputs = {},
    last_id = math.tointeger(data.last_id) or 0, named_inputs = data.named_inputs == true,
    named_outputs = data.named_outputs == true,
    options = { name = given.name, trainable = given.trainable ~= false } }, Graph)
  local known = {}
  for i, input in ipairs(data.inputs) do
    if type(input.name) ~= "string" or math.type(input.id) ~= "integer" then
      error("an input of a graph is malformed", 0)
    end
    known[input.id] = true
    self.inputs[i] = { name = input.name, shape = sequential.check_shape(input.shape),
      id = input.id, source = input.source }
  end
  read_calls(self, data.calls, known)
  for i, output in ipairs(data.outputs) do
    if not known[output.id] then error("an output of a graph is made by nothing", 0) end
    self.outputs[i] = { id = output.id, name = output.name }
  end
  return self
end

-- ---- what blocks have --------------------------------------------------------------------------

---@param prefix string
---@return string[] paths of self.layers
function Graph:paths(prefix) return sequential.paths_of(self.layers, prefix, "nn.graph") end

function Graph:walk(visitor, prefix)
  local paths = self:paths(prefix or "")
  for i, item in ipairs(self.layers) do
    if sequential.is_block(item) then
      item:walk(visitor, paths[i] .. "/")
    else
      visitor(item, paths[i], self.layers, i, self)
    end
  end
end

function Graph:children() return table.move(self.layers, 1, #self.layers, 1, {}) end

---A copy whose lists may be edited; the layer descriptions are shared.
---@return lossdbg.Graph
function Graph:copy()
  local twin = {}
  for key, value in pairs(self) do twin[key] = value end
  twin.layers, twin.calls, twin.outputs = {}, {}, {}
  for i, item in ipairs(self.layers) do
    twin.layers[i] = sequential.is_block(item) and item:copy() or item
  end
  for i, call in ipairs(self.calls) do
    twin.calls[i] = { layer = call.layer, from = table.move(call.from, 1, #call.from, 1, {}),
      to = call.to, source = call.source }
  end
  for i, output in ipairs(self.outputs) do
    twin.outputs[i] = { id = output.id, name = output.name }
  end
  return setmetatable(twin, Graph)
end

---Applied to symbolic inputs: a graph in a graph. Several inputs come as a list or by name.
function Graph:__call(...) return symbolic.call(self, ...) end

---Builds a model. The inputs know their shapes; `graph:build { seed = 1 }` gives options alone.
---@param input_shape? integer[]|integer[][]|table shapes to check against those of the inputs
---@param given? { seed: integer, dtype: "f32"|"f64", adapt: any }
---@return lossdbg.Model
function Graph:build(input_shape, given)
  if given == nil and type(input_shape) == "table" and next(input_shape) ~= nil then
    local known = true
    for key in pairs(input_shape) do
      known = known and (key == "seed" or key == "dtype" or key == "adapt")
    end
    if known then input_shape, given = nil, input_shape end
  end
  return require("lossdbg.nn.graph_build").graph(self, input_shape, given)
end

function Graph:__tostring()
  local paths, names, lines = self:paths "", {}, { "graph" }
  for _, input in ipairs(self.inputs) do
    names[input.id] = input.name
    lines[#lines + 1] = ("  %-16s input { %s }"):format(input.name, table.concat(input.shape, ", "))
  end
  for _, call in ipairs(self.calls) do
    local path, from = paths[call.layer], {}
    for i, id in ipairs(call.from) do from[i] = names[id] end
    for _, id in ipairs(call.to) do names[id] = path end
    local item = self.layers[call.layer]
    lines[#lines + 1] = ("  %-16s %s <- %s"):format(path,
      sequential.is_block(item) and item.kind or tostring(item), table.concat(from, ", "))
  end
  return table.concat(lines, "\n")
end

return M
