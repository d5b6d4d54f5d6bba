--- Recurrent layers as LSTM, GRU and RNN of ONNX: steps first, gates in its order, biases of input
-- and state apart.
local core = require "lossdbg.core"

local rows = {}

-- Gates of ours by their place in ONNX: i f c o -> i o f c; z r n stay.
local KINDS = {
  lstm = { op = "LSTM", order = { 1, 4, 2, 3 } },
  gru = { op = "GRU", order = { 1, 2, 3 } },
  simple_rnn = { op = "RNN", order = { 1 } },
}

local NAMES = { tanh = "Tanh", sigmoid = "Sigmoid", relu = "Relu", softsign = "Softsign",
  softplus = "Softplus" }

local joined = core.op.concat

-- Columns in ONNX's order of gates, as rows: [gates * units, n].
local function turned(kernel, order, units)
  local parts = {}
  for i, gate in ipairs(order) do
    parts[i] = kernel:slice(2, (gate - 1) * units + 1, gate * units)
  end
  return joined(parts, 2):transpose({ 2, 1 }):contiguous()
end

-- [2 gates * units]: input, then state.
local function biases(bias, order, units, after)
  if bias.rank == 2 and not after then bias = bias:sum(1) end
  local input = bias.rank == 2 and bias:slice(1, 1, 1) or bias:unsqueeze(1)
  local state = bias.rank == 2 and bias:slice(1, 2, 2) or input:mul(0)
  return joined({ turned(input, order, units):reshape { -1 },
    turned(state, order, units):reshape { -1 } }, 1)
end

local function activation_of(self, layer, given, name)
  local value = given[name]
  local found = type(value) == "string" and NAMES[value]
  if not found then self:refuse(layer, "%s has no form in ONNX: %s", name, tostring(value)) end
  return found
end

local function activations_of(self, layer, kind, given)
  local main = activation_of(self, layer, given, "activation")
  if kind == "simple_rnn" then return { main } end
  local gate = activation_of(self, layer, given, "recurrent_activation")
  return kind == "lstm" and { gate, main, main } or { gate, main }
end

-- One pass; of its outputs those that are wanted: all steps at their places [batch, steps, units],
-- or the last states [batch, units].
local function pass(self, layer, kind, given, prefix, x, reverse)
  local spec, units = KINDS[kind], given.units
  local w = layer.weights
  local after = kind == "gru" and given.reset_after
  local inputs = { self:transpose(x, { 1, 0, 2 }),
    self:tensor(prefix .. "kernel",
      turned(w[prefix .. "kernel"], spec.order, units):unsqueeze(1)),
    self:tensor(prefix .. "recurrent_kernel",
      turned(w[prefix .. "recurrent_kernel"], spec.order, units):unsqueeze(1)) }
  local bias = w[prefix .. "bias"]
  if bias then
    inputs[4] = self:tensor(prefix .. "bias", biases(bias, spec.order, units, after):unsqueeze(1))
  end
  local outputs = { self:node(spec.op, inputs, { hidden_size = units,
    direction = reverse and "reverse" or "forward",
    activations = activations_of(self, layer, kind, given),
    linear_before_reset = kind == "gru" and (after and 1 or 0) or nil },
    kind == "lstm" and 3 or 2) }
  local y
  if given.return_sequences then
    local direction = self:integers("direction", { 1 })
    y = self:transpose(self:node("Squeeze", { outputs[1], direction }), { 1, 0, 2 })
  end
  local states, last = {}, given.return_state and #outputs or given.return_sequences and 1 or 2
  local first = last > 1 and self:integers("first", { 0 })
  for i = 2, last do states[i - 1] = self:node("Squeeze", { outputs[i], first }) end
  return y or states[1], states
end

local function check(self, layer, given, n_inputs)
  if n_inputs > 1 then self:refuse(layer, "a state that is given has no form here") end
  if given.stateful then self:refuse(layer, "stateful: a graph keeps no state") end
end

local function recurrent(kind)
  return function(self, layer, x, ...)
    local given = layer.options
    check(self, layer, given, 1 + select("#", ...))
    local y, states = pass(self, layer, kind, given, "", x, given.go_backwards)
    if given.return_sequences and given.go_backwards then
      self:refuse(layer, "go_backwards with return_sequences has no form here")
    end
    if given.return_state then return y, table.unpack(states) end
    return y
  end
end
for kind in pairs(KINDS) do rows[kind] = recurrent(kind) end

local MERGE = {
  concat = function(self, a, b) return self:node("Concat", { a, b }, { axis = -1 }) end,
  sum = function(self, a, b) return self:node("Add", { a, b }) end,
  mul = function(self, a, b) return self:node("Mul", { a, b }) end,
  ave = function(self, a, b)
    return self:node("Mul", { self:node("Add", { a, b }), self:number("half", 0.5) })
  end,
}

function rows.bidirectional(self, layer, x, ...)
  local one = layer.options.layer
  local other = layer.options.backward_layer or one
  local given = one.options
  check(self, layer, given, 1 + select("#", ...))
  if given.return_state then self:refuse(layer, "return_state of both ways has no form here") end
  local first = given.go_backwards or false
  local y = pass(self, layer, one.kind, given, "forward_", x, first)
  local z = pass(self, layer, other.kind, other.options, "backward_", x, not first)
  return MERGE[layer.options.merge_mode](self, y, z)
end

return rows
