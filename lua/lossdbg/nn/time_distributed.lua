--- Time distributed: one layer for every step of [batch, steps, ...], as if steps were samples.
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local function check(given, where)
  if type(given.layer) ~= "string" and (type(given.layer) ~= "table" or not given.layer.kind
      or not layer.kinds[given.layer.kind]) then
    options.fail(where, "layer", "a layer such as nn.dense(4)", given.layer,
      "blocks of layers are not taken: wrap each of them", source.level())
  end
  given.layer = layer.from(given.layer, where)
end

local function infer(self, input_shape)
  if #input_shape < 2 then
    layer.shape_error(self, "[batch, steps, features]", input_shape,
      "there are no steps: use the layer itself")
  end
  self.step_shape = table.move(input_shape, 2, #input_shape, 1, {})
  local class = layer.kinds[self.options.layer.kind]
  local probe = setmetatable({ path = self.path, kind = self.options.layer.kind,
    options = self.options.layer.options, source = self.source, input_shape = self.step_shape,
    parameters = {}, weights = {} }, class)
  local shape = class.infer(probe, self.step_shape)
  return table.move(shape, 1, #shape, 2, { input_shape[1] })
end

-- The wrapped layer shares parameters, statistics and activation, so that what works on layers
-- (copies, penalties, a softmax left to the loss) works on this one.
local function create(self, context)
  local inner = layer.create(self.options.layer, self.path, self.step_shape, context,
    self.trainable)
  self.inner, self.activation = inner, inner.activation
  self.parameters, self.weights, self.buffers = inner.parameters, inner.weights, inner.buffers
end

local function inner_of(self)
  local inner = self.inner
  if inner.weights ~= self.weights or inner.trainable ~= self.trainable then -- a copy of a layer
    local own = {}
    for key, value in pairs(inner) do own[key] = value end
    own.parameters, own.weights, own.buffers = self.parameters, self.weights, self.buffers
    own.trainable = self.trainable
    inner = setmetatable(own, getmetatable(inner))
    self.inner = inner
  end
  return inner
end

local function forward(self, x, context)
  local shape, inner = x.shape, inner_of(self)
  local flat = x:reshape { shape[1] * shape[2], table.unpack(shape, 3) }
  local own = setmetatable({ mask = false, logits = context.logits == self and inner or false,
    tap = context.tap and function(_, when, y) context.tap(self, when, y) end or false },
    { __index = context })
  local y = inner:forward(flat, own)
  return y:reshape { shape[1], shape[2], table.unpack(y.shape, 2) }
end

---`nn.time_distributed(nn.dense(4))`
local describe = layer.define {
  kind = "time_distributed",
  schema = {
    { name = "layer", type = "table|string", positional = 1, required = true,
      doc = "what every step goes through" },
    { name = "activity_regularizer", type = "string|table",
      doc = "on the outputs, divided by the batch size" },
  },
  check = check,
  infer = infer,
  create = create,
  forward = forward,
}

return function(given)
  return describe(layer.is_description(given) and { given } or given)
end
