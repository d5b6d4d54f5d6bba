--- Embedding: ids 0..input_dim-1 of any shape to rows of a table [input_dim, output_dim].
-- Keras draws the table from U(-0.05, 0.05), PyTorch from N(0, 1). With `padding_id` that row
-- starts as zeros and stays so, as PyTorch's padding_idx.
local attempt = require "lossdbg.support.attempt"
local core = require "lossdbg.core"
local initializer = require "lossdbg.nn.initializer"
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local regularizer = require "lossdbg.nn.regularizer"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local embedding = core.op.embedding

local function init_of(given)
  if given.init ~= nil then return given.init end
  if given.flavor == "torch" then return { "random_normal", mean = 0, std = 1 } end
  return { "random_uniform", low = -0.05, high = 0.05 }
end

local function check(given, where)
  initializer.get(init_of(given), source.level())
  given.regularizer = regularizer.internal.resolve(given.regularizer, where, "regularizer")
  if given.padding_id and given.padding_id >= given.input_dim then
    options.fail(where, "padding_id", ("an id 0..%d"):format(given.input_dim - 1),
      given.padding_id, nil, source.level())
  end
end

local function create(self, context)
  local given, init = self.options, initializer.get(init_of(self.options))
  local shape, padding = { given.input_dim, given.output_dim }, given.padding_id
  if not padding then
    return self:add_parameter(context, "embeddings", shape, init, given.regularizer)
  end
  local function fill(table_, seed, stream, fan_in, fan_out)
    init(table_, seed, stream, fan_in, fan_out)
    tensors.no_grad(function() table_:slice(1, padding + 1, padding + 1):fill_(0) end)
  end
  self:add_parameter(context, "embeddings", shape, fill, given.regularizer)
end

local function forward(self, x, context)
  local table_, padding = self.weights.embeddings, self.options.padding_id or -1
  local ok, y = attempt.call(embedding, table_, x, padding)
  if ok then
    if self.options.mask_zero then context.mask = x:ne(0) end
    return y
  end
  error(("lossdbg: layer '%s': %s"):format(self.path, (tostring(y):gsub("^.-lossdbg: ", ""))),
    source.level())
end

---`nn.embedding { 5000, 64 }`
return layer.define {
  kind = "embedding",
  schema = {
    { name = "input_dim", type = "integer", min = 1, max = 2 ^ 31 - 1, positional = 1,
      required = true, doc = "number of ids" },
    { name = "output_dim", type = "integer", min = 1, max = 2 ^ 31 - 1, positional = 2,
      required = true, doc = "width of a row" },
    { name = "init", alias = { "embeddings_initializer", "embeddings_init" },
      doc = "default U(-0.05, 0.05); flavor torch: N(0, 1)" },
    { name = "regularizer", type = "string|table", alias = "embeddings_regularizer",
      doc = "penalty on the table of rows" },
    { name = "padding_id", type = "integer", min = 0, alias = "padding_idx",
      doc = "this row is zeros and gets no gradient" },
    { name = "mask_zero", type = "boolean", default = false,
      doc = "steps with id 0 do not count: recurrent layers behind skip them" },
    { name = "flavor", type = "string", choices = { "keras", "torch" }, default = "keras",
      doc = "whose formulas and defaults" },
  },
  check = check,
  infer = function(self, input_shape)
    local shape = table.move(input_shape, 1, #input_shape, 1, {})
    shape[#shape + 1] = self.options.output_dim
    return shape
  end,
  create = create,
  forward = forward,
}
