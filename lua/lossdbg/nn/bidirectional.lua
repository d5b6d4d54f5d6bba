--- Bidirectional: a recurrent layer forwards and one backwards over the same steps, joined step by
-- step. `layer` gives the options of both unless `backward_layer` is given. Without
-- return_sequences each direction gives the output of the step that it took last; with it, masked
-- steps give zeros.
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"
local noise = require "lossdbg.nn.noise"
local options = require "lossdbg.support.options"
local recurrent = require "lossdbg.nn.recurrent"
local recurrent_options = require "lossdbg.nn.recurrent_options"
local regularizer = require "lossdbg.nn.regularizer"
local source = require "lossdbg.support.source"

local op = core.op

local merge = {
  concat = function(a, b) return op.concat({ a, b }, -1) end,
  sum = function(a, b) return a + b end,
  mul = function(a, b) return a * b end,
  ave = function(a, b) return (a + b) / 2 end,
}

local function read(given, name, where)
  local value = given[name]
  if value == nil then return nil end
  local kind = type(value) == "table" and value.kind
  if type(kind) ~= "string" or not recurrent.cells[kind] then
    options.fail(where, name, "a recurrent layer: nn.simple_rnn, nn.lstm or nn.gru", value,
      nil, source.level())
  end
  given[name] = layer.from(value, where)
  return given[name]
end

local function check(given, where)
  given.activity_regularizer = regularizer.internal.resolve(given.activity_regularizer, where,
    "activity_regularizer")
  local one, other = read(given, "layer", where), read(given, "backward_layer", where)
  if not other then return end
  for _, name in ipairs { "units", "return_sequences", "return_state", "stateful" } do
    if one.options[name] ~= other.options[name] and (name ~= "units"
        or given.merge_mode ~= "concat") then
      options.fail(where, "backward_layer", ("%s = %s, as in layer"):format(name,
        options.show(one.options[name])), other.options[name], nil, source.level())
    end
  end
  if one.options.go_backwards == other.options.go_backwards then
    options.fail(where, "backward_layer", "go_backwards other than in layer",
      other.options.go_backwards, "both would take the steps in the same order", source.level())
  end
end

-- The two passes: prefix of the parameters, options, order.
local function directions(self)
  local one = self.options.layer
  local other = self.options.backward_layer or one
  local first = one.options.go_backwards
  return { prefix = "forward_", cell = recurrent.cells[one.kind], options = one.options,
      reverse = first },
    { prefix = "backward_", cell = recurrent.cells[other.kind], options = other.options,
      reverse = not first }
end

local function infer(self, input_shape)
  local a, b = directions(self)
  local steps, features =
    recurrent_options.read_shape(self, input_shape, a.cell.states + b.cell.states, a.options.units)
  self.features = features
  local width = a.options.units
  if self.options.merge_mode == "concat" then width = width + b.options.units end
  local shapes = { a.options.return_sequences and { steps, width } or { width } }
  if a.options.return_state then
    for _, way in ipairs { a, b } do
      for _ = 1, way.cell.states do shapes[#shapes + 1] = { way.options.units } end
    end
  end
  return table.unpack(shapes)
end

local function outputs(given)
  local one = given.layer
  if not one.options.return_state then return 1 end
  local other = given.backward_layer or one
  return 1 + recurrent.cells[one.kind].states + recurrent.cells[other.kind].states
end

local function create(self, context)
  noise.create(self, context)
  local a, b = directions(self)
  for _, way in ipairs { a, b } do
    recurrent.add_parameters(self, way.cell, way.options, self.features, context, way.prefix)
  end
end

local function pass(self, way, inputs, first_state, context)
  local weights = {}
  for _, name in ipairs { "kernel", "recurrent_kernel", "bias" } do
    weights[name] = self.weights[way.prefix .. name]
  end
  local own = { inputs[1], mask = inputs.mask }
  for i = 1, way.cell.states do own[1 + i] = inputs[first_state + i] end
  local out = recurrent.pass(self, way.cell, way.options, weights, own, context, way.reverse,
    way.options.return_sequences)
  return recurrent.split(way.cell, way.options, out, way.reverse)
end

local function forward(self, x, context)
  local inputs = type(x) == "table" and x or { x }
  local a, b = directions(self)
  local y, states = pass(self, a, inputs, 1, context)
  local z, more = pass(self, b, inputs, 1 + a.cell.states, context)
  if not a.options.return_sequences and context.mask then context.mask = nil end
  table.move(more, 1, #more, #states + 1, states)
  return merge[self.options.merge_mode](y, z), table.unpack(states)
end

---`nn.bidirectional { nn.lstm { 32, return_sequences = true }, merge_mode = "concat" }`
local describe = layer.define {
  kind = "bidirectional",
  inputs = { 1, 5 },
  outputs = outputs,
  schema = {
    { name = "layer", type = "table", positional = 1, required = true,
      doc = "the recurrent layer" },
    { name = "merge_mode", type = "string", alias = "merge", default = "concat",
      choices = { "concat", "sum", "mul", "ave" }, doc = "how the two directions are joined" },
    { name = "backward_layer", type = "table", doc = "default: as layer, the other way round" },
    { name = "activity_regularizer", type = "string|table",
      doc = "on the outputs, divided by the batch size" },
    noise.seed_option,
  },
  check = check,
  infer = infer,
  create = create,
  forward = forward,
  reset_state = recurrent.reset_state,
}

return function(given)
  return describe(layer.is_description(given) and { given } or given)
end
