--- Initialisers: objects called as init(tensor, seed, stream, fan_in, fan_out); they fill the
-- tensor in place and return it. The numbers depend on (seed, stream) alone.
-- Keras kernels are [..., in, out]: fan_in = in x receptive field, fan_out = out x receptive field.
local core = require "lossdbg.core"
local options = require "lossdbg.support.options"

local random = core.random
local M = {}

---@class lossdbg.initializer
---@field name string
---@field options table plain data
---@operator call(...): lossdbg.tensor

---Standard deviation of a unit normal cut at two standard deviations.
M.TRUNCATED_STD = 0.87962566103423978

---Fan-in and fan-out of a kernel by the rule of Keras.
---@param shape integer[]
---@return number fan_in
---@return number fan_out
function M.fans(shape)
  if type(shape) ~= "table" then
    options.fail("initializer.fans", "shape", "a list of sizes", shape)
  end
  local rank = #shape
  for axis = 1, rank do
    if math.type(shape[axis]) ~= "integer" or shape[axis] < 0 then
      options.fail("initializer.fans", "shape", "a list of sizes", shape[axis])
    end
  end
  if rank == 0 then return 1, 1 end
  if rank == 1 then return shape[1], shape[1] end
  local field = 1
  for axis = 1, rank - 2 do field = field * shape[axis] end
  return shape[rank - 1] * field, shape[rank] * field
end

local gains = {
  linear = 1, sigmoid = 1, conv = 1, softmax = 1, tanh = 5 / 3, relu = math.sqrt(2), selu = 3 / 4,
}

---Gain of an activation, as torch.nn.init.calculate_gain.
---@param name string activation
---@param slope? number negative slope of leaky_relu, default 0.01
---@return number|nil gain nil for an activation without one
function M.gain(name, slope)
  if slope ~= nil and type(slope) ~= "number" then
    options.fail("initializer.gain", "slope", "a number", slope)
  end
  if name == "leaky_relu" then return math.sqrt(2 / (1 + (slope or 0.01) ^ 2)) end
  return type(name) == "string" and gains[name] or nil
end

local STD = { name = "std", type = "number", min = 0, default = 0.05, alias = { "stddev" },
  doc = "standard deviation" }
local MEAN = { name = "mean", type = "number", default = 0,
  doc = "mean of the distribution" }
local GAIN = { name = "gain", type = "number", default = 1, positional = 2,
  doc = "factor on the standard deviation" }
local MODES = { "fan_in", "fan_out", "fan_avg" }

local makers = {}
local schemas = {}

local function define(name, schema, fill)
  schemas[name], makers[name] = options.declare("init." .. name)(schema), fill
end

define("zeros", {}, function(t) return t:fill_(0) end)
define("ones", {}, function(t) return t:fill_(1) end)
define("constant", {
  { name = "value", type = "number", default = 0, positional = 2,
    doc = "of every element" },
}, function(t, _, _, _, _, o) return t:fill_(o.value) end)

define("random_uniform", {
  { name = "low", type = "number", default = -0.05, alias = { "minval" },
    doc = "lower bound" },
  { name = "high", type = "number", default = 0.05, alias = { "maxval" },
    doc = "upper bound" },
}, function(t, seed, stream, _, _, o)
  return random.uniform(t, seed, stream, o.low, o.high)
end)
define("random_normal", { MEAN, STD }, function(t, seed, stream, _, _, o)
  return random.normal(t, seed, stream, o.mean, o.std)
end)
define("truncated_normal", { MEAN, STD }, function(t, seed, stream, _, _, o)
  return random.truncated_normal(t, seed, stream, o.mean, o.std)
end)

---Keras' VarianceScaling: variance scale / fan.
local function scaled(t, seed, stream, variance, distribution)
  if distribution == "uniform" then
    local bound = math.sqrt(3 * variance)
    return random.uniform(t, seed, stream, -bound, bound)
  elseif distribution == "untruncated_normal" then
    return random.normal(t, seed, stream, 0, math.sqrt(variance))
  end
  return random.truncated_normal(t, seed, stream, 0, math.sqrt(variance) / M.TRUNCATED_STD)
end

local function fan_of(mode, fan_in, fan_out)
  local fan = mode == "fan_in" and fan_in or mode == "fan_out" and fan_out
    or (fan_in + fan_out) / 2
  return math.max(1, fan)
end

define("variance_scaling", {
  { name = "scale", type = "number", open_min = 0, default = 1,
    doc = "variance times fan" },
  { name = "mode", type = "string", choices = MODES, default = "fan_in",
    doc = "which fan divides the variance" },
  { name = "distribution", type = "string", default = "truncated_normal",
    choices = { "uniform", "truncated_normal", "untruncated_normal" },
    doc = "what the numbers are drawn from" },
}, function(t, seed, stream, fan_in, fan_out, o)
  return scaled(t, seed, stream, o.scale / fan_of(o.mode, fan_in, fan_out), o.distribution)
end)

local keras_families = {
  glorot = { 1, "fan_avg" }, he = { 2, "fan_in" }, lecun = { 1, "fan_in" },
}
for family, rule in pairs(keras_families) do
  for suffix, distribution in pairs { uniform = "uniform", normal = "truncated_normal" } do
    define(family .. "_" .. suffix, {}, function(t, seed, stream, fan_in, fan_out)
      return scaled(t, seed, stream, rule[1] / fan_of(rule[2], fan_in, fan_out), distribution)
    end)
  end
end

-- PyTorch's spellings: a gain, and normal distributions that are not truncated.
local kaiming = {
  { name = "a", type = "number", default = 0,
    doc = "slope of leaky_relu below 0" },
  { name = "mode", type = "string", choices = { "fan_in", "fan_out" }, default = "fan_in",
    doc = "which fan divides the variance" },
  { name = "nonlinearity", type = "string", default = "leaky_relu",
    choices = { "linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu" },
    doc = "activation behind the layer; sets the gain" },
}
for suffix, distribution in pairs { uniform = "uniform", normal = "untruncated_normal" } do
  define("xavier_" .. suffix, { GAIN }, function(t, seed, stream, fan_in, fan_out, o)
    local variance = o.gain ^ 2 / fan_of("fan_avg", fan_in, fan_out)
    return scaled(t, seed, stream, variance, distribution)
  end)
  define("kaiming_" .. suffix, kaiming, function(t, seed, stream, fan_in, fan_out, o)
    local gain = M.gain(o.nonlinearity, o.a)
    return scaled(t, seed, stream, gain ^ 2 / fan_of(o.mode, fan_in, fan_out), distribution)
  end)
end

---Weights and biases of torch.nn.Linear: U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
define("torch_linear", {}, function(t, seed, stream, fan_in)
  local bound = 1 / math.sqrt(math.max(1, fan_in))
  return random.uniform(t, seed, stream, -bound, bound)
end)

define("orthogonal", { GAIN }, function(t, seed, stream, _, _, o)
  return core.train.orthogonal(t, seed, stream, o.gain)
end)

define("identity", { GAIN }, function(t, _, _, _, _, o)
  local shape = t.shape
  if #shape ~= 2 then
    error("lossdbg: initializer.identity: argument 'tensor': expected rank 2, got rank "
      .. #shape, 3)
  end
  t:fill_(0)
  for i = 1, math.min(shape[1], shape[2]) do t:set(o.gain, i, i) end
  return t
end)

local names = {}
for name in pairs(schemas) do names[#names + 1] = name end
table.sort(names)
---Known names, sorted.
M.names = names

local meta = { __name = "lossdbg.initializer" }
meta.__index = meta

---Fills the tensor.
---@param tensor lossdbg.tensor contiguous, f32 or f64
---@param seed integer
---@param stream? integer default: the stream of purpose "init"
---@param fan_in? number default: from the tensor's shape, as are both when one is missing
---@param fan_out? number
---@return lossdbg.tensor tensor the same
function meta:__call(tensor, seed, stream, fan_in, fan_out)
  if not options.is_tensor(tensor) then
    options.fail("initializer." .. self.name, "tensor", "a tensor", tensor)
  end
  for name, fan in pairs { fan_in = fan_in, fan_out = fan_out } do
    if type(fan) ~= "number" then
      options.fail("initializer." .. self.name, name, "a number", fan)
    end
  end
  if not (fan_in and fan_out) then
    local from_shape, to_shape = M.fans(tensor.shape)
    fan_in, fan_out = fan_in or from_shape, fan_out or to_shape
  end
  stream = stream or random.stream("init")
  local fill = self.fill or makers[self.name]
  fill(tensor, seed or 0, stream, fan_in, fan_out, self.options)
  return tensor
end

function meta:__tostring() return "initializer." .. self.name end

-- level: what error() called directly in this function would need; 0 adds no position.
local function named(name, given, level)
  if not schemas[name] then
    error(("lossdbg: initializer: unknown initialiser %s%s"):format(
      options.show(name), options.hint(name, names)), level)
  end
  local checked = options.check("initializer." .. name, given, schemas[name], level)
  return setmetatable({ name = name, options = checked }, meta)
end

---Makes an initialiser.
---@param spec string|table|function a name; { name, option = value, ... } (or name = ...); an
---  initialiser; or a function(tensor, seed, stream, fan_in, fan_out) that fills in place. Unknown
---  names raise.
---@param level? integer whose line errors name, as for error() in the caller; default 1; 0: none
---@return lossdbg.initializer
function M.get(spec, level)
  if math.type(level) ~= "integer" then level = 1 end
  level = level == 0 and 0 or level + 2
  if type(spec) == "string" then
    local made = named(spec, nil, level)
    return made
  end
  if type(spec) == "function" then
    return setmetatable({ name = "custom", options = {}, fill = spec }, meta)
  end
  if getmetatable(spec) == meta then return spec end
  if type(spec) == "number" then spec = { "constant", value = spec } end
  if type(spec) ~= "table" then
    options.fail("initializer.get", "initializer", "a name, a table or a function", spec, nil,
      level == 0 and 0 or level - 1)
  end
  local given, name = {}, spec.name or spec[1]
  for key, value in pairs(spec) do
    if key ~= "name" and key ~= 1 then given[key] = value end
  end
  local made = named(name, given, level) -- no tail call: the level counts this frame
  return made
end

-- initializer.he_normal(), initializer.constant { value = 1 }, ...
for _, name in ipairs(names) do
  M[name] = function(given)
    if type(given) == "number" then given = { given } end
    if type(given) == "table" and given[1] ~= nil then
      local moved = {}
      for key, value in pairs(given) do moved[key == 1 and 2 or key] = value end
      given = moved
    end
    local made = named(name, given, 3)
    return made
  end
end

return M
