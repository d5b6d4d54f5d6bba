--- Lambda: any function of tensors as a layer.
local tensors = require "lossdbg.tensor"
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.options"
local source = require "lossdbg.source"

local function tail(shape)
  return table.move(shape, 2, #shape, 1, {})
end

-- The shape of one output sample, from a batch of two zeros.
local function infer(self, input_shape)
  local given = self.options.output_shape
  if type(given) == "number" then return { given } end
  if type(given) == "table" then return table.move(given, 1, #given, 1, {}) end
  local y = self.options.fn(tensors.zeros { 2, table.unpack(input_shape) })
  if not options.is_tensor(y) or y.rank < 1 or y.shape[1] ~= 2 then
    error(("lossdbg: layer '%s': the function of nn.lambda must return a tensor with one row a " ..
      "sample, got %s"):format(self.path, options.is_tensor(y) and "another number of rows"
      or options.show(y)), source.level())
  end
  return tail(y.shape)
end

---`nn.lambda(function(x) return x:mean(2) end)`
return layer.define {
  kind = "lambda",
  schema = {
    { name = "fn", type = "callable", positional = 1, required = true,
      doc = "function from tensor [batch, ...] to tensor [batch, ...]" },
    { name = "output_shape", type = "table|integer", doc = "of one sample; else found by a call" },
  },
  infer = infer,
  forward = function(self, x) return self.options.fn(x) end,
}
