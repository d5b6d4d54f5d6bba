--- Options of the recurrent layers, their checks, and the shape of their inputs.
local activations = require "lossdbg.nn.activation"
local initializer = require "lossdbg.nn.initializer"
local layer = require "lossdbg.nn.layer"
local noise = require "lossdbg.nn.noise"
local options = require "lossdbg.support.options"
local regularizer = require "lossdbg.nn.regularizer"
local source = require "lossdbg.support.source"

local M = {}

local regularizers = { "kernel_regularizer", "recurrent_regularizer", "bias_regularizer",
  "activity_regularizer" }

local function check_activation(given, name, where)
  if given[name] == nil then return end
  if not activations.resolve(given[name], where).fused then
    options.fail(where, name, "the name of an elementwise activation, with its default parameter",
      given[name], "the steps run inside one op", source.level())
  end
end

---Checks what the schema cannot.
---@param given table
---@param where string
function M.check(given, where)
  check_activation(given, "activation", where)
  check_activation(given, "recurrent_activation", where)
  for _, name in ipairs { "init", "recurrent_init", "bias_init" } do
    initializer.get(given[name], source.level())
  end
  for _, name in ipairs(regularizers) do
    given[name] = regularizer.internal.resolve(given[name], where, name)
  end
end

---The options that all have, then the layer's own.
---@param own lossdbg.option[]
---@return lossdbg.option[]
function M.schema(own)
  local schema = {
    { name = "units", type = "integer", min = 1, max = 2 ^ 24, positional = 1, required = true,
      doc = "number of hidden units" },
    { name = "activation", type = "string|table", positional = 2, default = "tanh",
      doc = "of the new state, by name" },
    { name = "bias", type = "boolean", alias = "use_bias", default = true,
      doc = "add a learnt offset to each output" },
    { name = "init", alias = { "kernel_initializer", "kernel_init" }, default = "glorot_uniform",
      doc = "initialiser of the kernel" },
    { name = "recurrent_init", alias = "recurrent_initializer", default = "orthogonal",
      doc = "initialiser of the recurrent kernel" },
    { name = "bias_init", alias = "bias_initializer", default = "zeros",
      doc = "initialiser of the bias" },
    { name = "return_sequences", type = "boolean", default = false,
      doc = "the outputs of all steps, not of the last one alone" },
    { name = "return_state", type = "boolean", default = false,
      doc = "also the last states, as further outputs" },
    { name = "go_backwards", type = "boolean", default = false,
      doc = "from the last step to the first; outputs in this order, too" },
    { name = "stateful", type = "boolean", default = false,
      doc = "begin with the last states of the call before; other batch sizes begin with zeros" },
    { name = "dropout", type = "number", min = 0, open_max = 1, default = 0,
      doc = "of the inputs, the same features at all steps" },
    { name = "zero_output_for_mask", type = "boolean", default = false,
      doc = "masked steps give zeros and not the output before them" },
    { name = "kernel_regularizer", type = "string|table",
      doc = "penalty on the kernel, such as { l2 = 1e-4 }" },
    { name = "recurrent_regularizer", type = "string|table",
      doc = "penalty on the recurrent kernel" },
    { name = "bias_regularizer", type = "string|table",
      doc = "penalty on the bias" },
    { name = "activity_regularizer", type = "string|table",
      doc = "on the outputs, divided by the batch size" },
    { name = "flavor", type = "string", choices = { "keras", "torch" }, default = "keras",
      doc = "torch: two rows of biases, added up, and weights from U(+-1 / sqrt(units)) where " ..
        "no other initialiser is given" },
    noise.seed_option,
  }
  return table.move(own, 1, #own, #schema + 1, schema)
end

---The shape of one input sample must be [steps, features]; a list of shapes is that of the
---sequence and those of the first states.
---@param self lossdbg.Layer
---@param input_shape integer[]|integer[][]
---@param states integer how many the layer takes
---@param units integer
---@return integer steps
---@return integer features
function M.read_shape(self, input_shape, states, units)
  local shape = input_shape
  if type(input_shape[1]) == "table" then
    shape = input_shape[1]
    if #input_shape ~= 1 and #input_shape ~= 1 + states then
      error(("lossdbg: layer '%s': expected the sequence and %d state%s, got %d inputs"):format(
        self.path, states, states == 1 and "" or "s", #input_shape), source.level())
    end
    for i = 2, #input_shape do
      if #input_shape[i] ~= 1 or input_shape[i][1] ~= units then
        layer.shape_error(self, ("[batch, units %d] as state %d"):format(units, i - 1),
          input_shape[i])
      end
    end
  end
  if #shape ~= 2 then
    local cause
    if #shape == 1 then
      cause = "a sequence has steps and features: reshape { " .. shape[1] .. ", 1 } for one " ..
        "feature a step, set return_sequences = true in the recurrent layer before, or put " ..
        "nn.repeat_vector between"
    elseif #shape > 2 then
      cause = "flatten every step first: nn.time_distributed(nn.flatten())"
    end
    layer.shape_error(self, "[batch, steps, features]", shape, cause)
  end
  if shape[1] < 1 or shape[2] < 1 then
    layer.shape_error(self, "at least one step and one feature", shape)
  end
  return shape[1], shape[2]
end

return M
