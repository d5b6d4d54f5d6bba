--- Multi-head attention with Keras' parameters: query, key, value and output kernels.
--   heads_i = softmax(q_i k_i' / sqrt(key_dim)) v_i,  y = concat(heads) output_kernel + output_bias
-- A tensor attends to itself; a list { query, value, key } (key defaults to value) is cross
-- attention, its field `mask` (i32, 1 = may see) broadcasts to [batch, heads, steps, keys]. Where a
-- tensor attends to itself, steps that an embedding masked are neither queries nor keys.
-- A query whose keys are all masked: flavor keras weighs all keys alike (but with dropout gives
-- zeros, as Keras does), torch gives zeros.
local core = require "lossdbg.core"
local initializer = require "lossdbg.nn.initializer"
local layer = require "lossdbg.nn.layer"
local noise = require "lossdbg.nn.noise"
local options = require "lossdbg.support.options"
local regularizer = require "lossdbg.nn.regularizer"
local source = require "lossdbg.support.source"

local attention, dense = core.op.attention, core.op.dense

local function check(given, where)
  initializer.get(given.init, source.level())
  initializer.get(given.bias_init, source.level())
  for _, name in ipairs { "kernel_regularizer", "bias_regularizer", "activity_regularizer" } do
    given[name] = regularizer.internal.resolve(given[name], where, name)
  end
end

-- Shapes of query, value and key from one shape or a list of them.
local function three(input_shape)
  if type(input_shape[1]) ~= "table" then return input_shape, input_shape, input_shape end
  local query, value = input_shape[1], input_shape[2] or input_shape[1]
  return query, value, input_shape[3] or value
end

local function infer(self, input_shape)
  local query, value, key = three(input_shape)
  for _, shape in ipairs { query, value, key } do
    if #shape ~= 2 then
      layer.shape_error(self, "[batch, steps, features]", shape,
        #shape == 1 and "ids go through nn.embedding first" or nil)
    end
  end
  if key[1] ~= value[1] then
    layer.shape_error(self, ("with as many keys as values (%d)"):format(value[1]), key)
  end
  return { query[1], self.options.output_dim or query[2] }
end

local function create(self, context)
  local given = self.options
  local query, value, key = three(self.input_shapes or self.input_shape)
  local heads, key_dim, value_dim = given.num_heads, given.key_dim, given.value_dim or given.key_dim
  local function add(name, kernel, bias)
    self:add_parameter(context, name .. "_kernel", kernel, given.init, given.kernel_regularizer)
    if given.bias then
      self:add_parameter(context, name .. "_bias", bias, given.bias_init, given.bias_regularizer)
    end
  end
  add("query", { query[2], heads, key_dim }, { heads, key_dim })
  add("key", { key[2], heads, key_dim }, { heads, key_dim })
  add("value", { value[2], heads, value_dim }, { heads, value_dim })
  add("output", { heads, value_dim, self.output_shape[2] }, { self.output_shape[2] })
  noise.create(self, context)
end

-- x times a kernel of rank 3 whose last two axes are one.
local function project(self, name, x)
  local kernel, bias = self.weights[name .. "_kernel"], self.weights[name .. "_bias"]
  return dense(x, kernel:reshape { kernel.shape[1], -1 }, bias and bias:reshape { -1 })
end

-- [batch, steps, keys] gets an axis of heads, as in Keras.
local function read_mask(self, mask)
  if mask == nil then return nil end
  if not options.is_tensor(mask) then
    options.fail("layer '" .. self.path .. "'", "mask", "an i32 tensor of 0 and 1", mask, nil,
      source.level())
  end
  if mask.dtype ~= "i32" then mask = mask:ne(0) end
  return mask.rank == 3 and mask:unsqueeze(2) or mask
end

-- What an embedding left in the context, as [batch, 1, steps, steps].
local function own_mask(x, context)
  local mask, shape = context.mask, x.shape
  if not mask or mask.rank ~= 2 then return nil end
  local sizes = mask.shape
  if sizes[1] ~= shape[1] or sizes[2] ~= shape[2] then return nil end
  mask = (mask.dtype == "i32" and mask or mask:ne(0)):unsqueeze(2)
  return mask:unsqueeze(4):mul(mask:unsqueeze(3))
end

local function forward(self, x, context)
  local given, query, value, key, mask = self.options, x, x, x, nil
  if type(x) == "table" then
    query, value, mask = x[1], x[2] or x[1], read_mask(self, x.mask)
    key = x[3] or value
  end
  if rawequal(query, value) and rawequal(key, value) and context.mask then
    local own = own_mask(query, context)
    mask = mask and own and mask:mul(own) or mask or own
  end
  local rate = context.training and given.dropout or 0
  local seed, stream = 0, 0
  if rate > 0 then seed, stream = noise.stream(self, context) end
  local heads = attention(project(self, "query", query), project(self, "key", key),
    project(self, "value", value), mask, nil, {
      heads = given.num_heads, causal = given.causal, rate = rate, seed = seed, stream = stream,
      empty = (given.flavor == "torch" or given.dropout > 0) and "zero" or "uniform",
    })
  local kernel = self.weights.output_kernel
  return dense(heads, kernel:reshape { -1, kernel.shape[3] }, self.weights.output_bias)
end

---`nn.multi_head_attention { 4, 16, causal = true }`
return layer.define {
  kind = "multi_head_attention",
  schema = {
    { name = "num_heads", type = "integer", min = 1, max = 65536, positional = 1, required = true,
      alias = "heads", doc = "number of heads" },
    { name = "key_dim", type = "integer", min = 1, max = 2 ^ 31 - 1, positional = 2,
      required = true, doc = "width of queries and keys of one head" },
    { name = "value_dim", type = "integer", min = 1, max = 2 ^ 31 - 1,
      doc = "width of the values of one head; default: key_dim" },
    { name = "output_dim", type = "integer", min = 1, max = 2 ^ 31 - 1, alias = "output_shape",
      doc = "default: the features of the query" },
    { name = "causal", type = "boolean", default = false, alias = "use_causal_mask",
      doc = "a step sees itself and what came before" },
    { name = "dropout", type = "number", min = 0, max = 1, default = 0, doc = "of the weights" },
    { name = "bias", type = "boolean", alias = "use_bias", default = true,
      doc = "add a learnt offset to each output" },
    { name = "init", alias = { "kernel_initializer", "kernel_init" }, default = "glorot_uniform",
      doc = "initialiser of the weights" },
    { name = "bias_init", alias = "bias_initializer", default = "zeros",
      doc = "initialiser of the bias" },
    { name = "kernel_regularizer", type = "string|table",
      doc = "penalty on the kernel, such as { l2 = 1e-4 }" },
    { name = "bias_regularizer", type = "string|table",
      doc = "penalty on the bias" },
    { name = "activity_regularizer", type = "string|table",
      doc = "on the outputs, divided by the batch size" },
    { name = "flavor", type = "string", choices = { "keras", "torch" }, default = "keras",
      doc = "whose formulas and defaults" },
    noise.seed_option,
  },
  check = check,
  inputs = { 1, 3 },
  infer = infer,
  create = create,
  forward = forward,
}
