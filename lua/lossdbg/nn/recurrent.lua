--- What simple_rnn, lstm, gru and bidirectional share: options, parameters, one pass.
-- x is [batch, steps, features]; the whole sequence is one op, whose result holds the outputs of
-- all steps and behind them the last states. Names, defaults and gate orders are those of Keras.
local core = require "lossdbg.core"
local activations = require "lossdbg.nn.activation"
local layer = require "lossdbg.nn.layer"
local noise = require "lossdbg.nn.noise"
local recurrent_options = require "lossdbg.nn.recurrent_options"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local op = core.op
local M = {}

---@class lossdbg.RecurrentCell
---@field kind string
---@field gates integer  blocks of units in the kernels
---@field states integer what is carried from step to step: h, and for lstm c
---@field bias_shape? fun(options: table): integer[] default: { gates * units }
---@field bias_init? fun(options: table): any        default: options.bias_init
---@field attributes? fun(options: table, attributes: table) adds to those of the op

---Cells by kind.
---@type table<string, lossdbg.RecurrentCell>
M.cells = {}

local keras_init = { init = "glorot_uniform", recurrent_init = "orthogonal", bias_init = "zeros" }

-- The initialiser of a parameter; torch has one for all.
local function init_of(cell, given, name)
  if given.flavor == "torch" and given[name] == keras_init[name] then
    local bound = 1 / math.sqrt(given.units)
    return { "random_uniform", low = -bound, high = bound }
  end
  return name == "bias_init" and cell.bias_init and cell.bias_init(given) or given[name]
end

local function bias_shape(cell, given)
  if cell.bias_shape then return cell.bias_shape(given) end
  local width = cell.gates * given.units
  return given.flavor == "torch" and { 2, width } or { width }
end

---Adds kernel, recurrent kernel and bias under prefix .. name.
---@param self lossdbg.Layer that owns them
---@param cell lossdbg.RecurrentCell
---@param given table options of the recurrent layer
---@param features integer
---@param context table
---@param prefix string
function M.add_parameters(self, cell, given, features, context, prefix)
  local function add(name, role, shape, init, penalty)
    self:add_parameter(context, prefix .. name, shape, init, penalty)
    self.parameters[#self.parameters].role = role
  end
  local width = cell.gates * given.units
  add("kernel", "kernel", { features, width }, init_of(cell, given, "init"),
    given.kernel_regularizer)
  add("recurrent_kernel", "recurrent_kernel", { given.units, width },
    init_of(cell, given, "recurrent_init"), given.recurrent_regularizer)
  if given.bias then
    add("bias", "bias", bias_shape(cell, given), init_of(cell, given, "bias_init"),
      given.bias_regularizer)
  end
end

-- The mask that goes with x: given with it, or left in the context by a layer before.
local function mask_of(x, given, context)
  local mask = given or context.mask
  if not mask then return nil end
  local shape, size = mask.shape, x.shape
  local fits = #shape == 2 and shape[1] == size[1] and shape[2] == size[2]
  if not fits then
    if not given then return nil end -- the steps have changed since the mask was made
    error(("lossdbg: mask is [%s], expected [batch %d, steps %d]"):format(
      table.concat(shape, ", "), size[1], size[2]), source.level())
  end
  return mask.dtype == "i32" and mask or mask:ne(0)
end

-- Inverted dropout with one mask for all steps.
local function drop(owner, x, rate, context)
  local seed, stream = noise.stream(owner, context)
  local shape = x.shape
  local kept = op.dropout(tensors.ones({ shape[1], 1, shape[3] }, x.dtype), rate, seed, stream)
  return x * kept
end

local function remembered(memory, key, x, units)
  local state = memory and memory[key]
  if not state or state.shape[1] ~= x.shape[1] or state.shape[2] ~= units then return nil end
  return state.dtype == x.dtype and state or state:cast(x.dtype)
end

-- A new table, since copies of a layer share the old one.
local function remember(owner, slot, cell, out)
  local kept, steps = {}, out.shape[2] - cell.states
  for i = 1, cell.states do kept[i] = out:detach():select(2, steps + i):clone() end
  local other = owner.memory or {}
  owner.memory = { forward = other.forward, backward = other.backward, [slot] = kept }
end

local function attributes_of(cell, given)
  local attributes = { activation = activations.resolve(given.activation, cell.kind).fused }
  if given.recurrent_activation then
    attributes.recurrent_activation =
      activations.resolve(given.recurrent_activation, cell.kind).fused
  end
  if cell.attributes then cell.attributes(given, attributes) end
  return attributes
end

---One pass. Outputs stay at the places of their steps, also in reverse.
---@param owner lossdbg.Layer  names the dropout stream and keeps the states between calls
---@param cell lossdbg.RecurrentCell
---@param given table          options of the recurrent layer
---@param weights table        kernel, recurrent_kernel, bias
---@param inputs table         { x, h0, c0, mask = }
---@param context table
---@param reverse boolean
---@param zero_masked boolean  masked steps give zeros
---@return userdata out        [batch, steps + states, units]
function M.pass(owner, cell, given, weights, inputs, context, reverse, zero_masked)
  local x, h0, c0 = inputs[1], inputs[2], inputs[3]
  local mask = mask_of(x, inputs.mask, context)
  local slot = reverse and "backward" or "forward"
  local stateful = given.stateful and not context.probe
  local memory = stateful and owner.memory and owner.memory[slot]
  h0 = h0 or remembered(memory, 1, x, given.units)
  if cell.states == 2 then c0 = c0 or remembered(memory, 2, x, given.units) end
  if context.training and given.dropout > 0 then x = drop(owner, x, given.dropout, context) end
  local attributes = attributes_of(cell, given)
  attributes.reverse, attributes.zero_masked = reverse, zero_masked
  local kernel, recurrent, bias = weights.kernel, weights.recurrent_kernel, weights.bias
  if bias and bias.rank == 2 and not cell.bias_shape then bias = bias:sum(1) end
  local out
  if cell.states == 2 then
    out = op[cell.kind](x, kernel, recurrent, bias, h0, c0, mask, attributes)
  else
    out = op[cell.kind](x, kernel, recurrent, bias, h0, mask, attributes)
  end
  if stateful then remember(owner, slot, cell, out) end
  return out
end

---What a layer gives of a pass: the outputs, then the last states where they are wanted.
---@param cell lossdbg.RecurrentCell
---@param given table
---@param out userdata
---@param reverse boolean
---@return userdata y [batch, steps, units] or [batch, units]
---@return userdata[] states
function M.split(cell, given, out, reverse)
  local steps, states = out.shape[2] - cell.states, {}
  local y
  if given.return_sequences then
    y = out:slice(2, 1, steps)
  else
    y = out:select(2, reverse and 1 or steps)
  end
  if given.return_state then
    for i = 1, cell.states do states[i] = out:select(2, steps + i) end
  end
  return y, states
end

local function forward(self, x, context)
  local given, cell = self.options, M.cells[self.kind]
  local inputs = type(x) == "table" and x or { x }
  local reverse = given.go_backwards
  local out = M.pass(self, cell, given, self.weights, inputs, context, reverse,
    given.zero_output_for_mask)
  local y, states = M.split(cell, given, out, reverse)
  if given.return_sequences then
    if reverse then y = y:flip(2) end
  elseif context.mask then
    context.mask = nil
  end
  return y, table.unpack(states)
end

---Forgets the states of a stateful layer: the next call begins with zeros.
---@param self lossdbg.Layer
function M.reset_state(self) self.memory = nil end

---Registers a recurrent layer.
---@param cell lossdbg.RecurrentCell
---@param own lossdbg.option[] its further options
---@return fun(given: any): lossdbg.LayerDescription
function M.define(cell, own)
  M.cells[cell.kind] = cell
  return layer.define {
    kind = cell.kind,
    inputs = { 1, 1 + cell.states },
    outputs = function(given) return given.return_state and 1 + cell.states or 1 end,
    schema = recurrent_options.schema(own),
    check = recurrent_options.check,
    infer = function(self, input_shape)
      local units = self.options.units
      local steps, features = recurrent_options.read_shape(self, input_shape, cell.states, units)
      self.features = features
      local shape = self.options.return_sequences and { steps, units } or { units }
      if not self.options.return_state then return shape end
      return shape, { units }, cell.states == 2 and { units } or nil
    end,
    create = function(self, context)
      noise.create(self, context)
      M.add_parameters(self, cell, self.options, self.features, context, "")
    end,
    forward = forward,
    reset_state = M.reset_state,
  }
end

return M
