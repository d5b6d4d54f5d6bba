--- Lambda: any function of tensors as a layer.
local tensors = require "lossdbg.tensor"
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local function tail(shape)
  return table.move(shape, 2, #shape, 1, {})
end

-- The shape of one output sample, from a batch of two zeros.
local function infer(self, input_shape)
  local given = self.options.output_shape
  if type(given) == "number" then return { given } end
  if type(given) == "table" then return table.move(given, 1, #given, 1, {}) end
  local zeros = {}
  for i, shape in ipairs(self.input_shapes or { input_shape }) do
    zeros[i] = tensors.zeros { 2, table.unpack(shape) }
  end
  local y = self.options.fn(table.unpack(zeros))
  if not options.is_tensor(y) or y.rank < 1 or y.shape[1] ~= 2 then
    error(("lossdbg: layer '%s': the function of nn.lambda must return a tensor with one row a " ..
      "sample, got %s"):format(self.path, options.is_tensor(y) and "another number of rows"
      or options.show(y)), source.level())
  end
  return tail(y.shape)
end

---`nn.lambda(function(x) return x:mean(2) end)`; in a graph with several inputs, fn gets each as an
---argument: `nn.lambda(function(a, b) return a:mul(b):sum(2, true) end) { x, y }`
return layer.define {
  kind = "lambda",
  schema = {
    { name = "fn", type = "callable", positional = 1, required = true,
      doc = "function from tensor [batch, ...] to tensor [batch, ...]" },
    { name = "output_shape", type = "table|integer", doc = "of one sample; else found by a call" },
  },
  inputs = { 1, math.huge },
  infer = infer,
  forward = function(self, x)
    if type(x) == "table" then return self.options.fn(table.unpack(x)) end
    return self.options.fn(x)
  end,
}
