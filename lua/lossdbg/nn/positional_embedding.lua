--- Positional embedding: adds one vector per step to [batch, steps, features].
--   learned  a table [max_steps, features] of parameters (KerasHub: PositionEmbedding)
--   sine     sin(p / w^(2 floor(i / 2) / features)) for even features i = 0, 2, .., cos for odd
--            ones, positions p = 0, 1, .., w = max_wavelength (KerasHub: SinePositionEncoding)
local initializer = require "lossdbg.nn.initializer"
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local regularizer = require "lossdbg.nn.regularizer"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local function check(given, where)
  initializer.get(given.init, source.level())
  given.regularizer = regularizer.internal.resolve(given.regularizer, where, "regularizer")
  if given.mode == "sine" and given.max_steps then
    options.fail(where, "max_steps", "none, the sine has no table", given.max_steps, nil,
      source.level())
  end
end

local function infer(self, input_shape)
  local most = self.options.max_steps
  if #input_shape ~= 2 then
    layer.shape_error(self, "[batch, steps, features]", input_shape,
      #input_shape == 1 and "it follows an embedding of ids [batch, steps]" or nil)
  elseif most and input_shape[1] > most then
    layer.shape_error(self, ("of at most %d steps"):format(most), input_shape,
      "raise max_steps or cut the sequences")
  end
  return input_shape
end

local function sines(steps, features, wavelength)
  local rows = {}
  for p = 1, steps do
    local row = {}
    for i = 0, features - 1 do
      local angle = (p - 1) * (1 / wavelength) ^ (2 * (i // 2) / features)
      row[i + 1] = i % 2 == 0 and math.sin(angle) or math.cos(angle)
    end
    rows[p] = row
  end
  return tensors.tensor(rows, "f64")
end

local function create(self, context)
  local given, steps, features = self.options, self.input_shape[1], self.input_shape[2]
  if given.mode == "sine" then
    self.buffers = { encoding = sines(steps, features, given.max_wavelength):cast(context.dtype) }
  else
    self:add_parameter(context, "embeddings", { given.max_steps or steps, features }, given.init,
      given.regularizer)
  end
end

local function forward(self, x)
  local table_ = self.buffers and self.buffers.encoding or self.weights.embeddings
  local steps = self.input_shape[1]
  if table_.shape[1] > steps then table_ = table_:slice(1, 1, steps) end
  return x:add(table_)
end

---`nn.positional_embedding()`, `nn.positional_embedding "sine"`
return layer.define {
  kind = "positional_embedding",
  schema = {
    { name = "mode", type = "string", choices = { "learned", "sine" }, default = "learned",
      positional = 1,
      doc = "learned: a table of rows; sine: fixed waves" },
    { name = "max_steps", type = "integer", min = 1, max = 2 ^ 31 - 1, alias = "sequence_length",
      doc = "rows of the learned table; default: the steps of the input" },
    { name = "init", alias = "initializer", default = "glorot_uniform",
      doc = "initialiser of the weights" },
    { name = "regularizer", type = "string|table",
      doc = "penalty on the table of rows" },
    { name = "max_wavelength", type = "number", open_min = 0, default = 10000, doc = "of sine" },
  },
  check = check,
  infer = infer,
  create = create,
  forward = forward,
}
