--- Activations by name, with parameters, or as functions; and the layer that applies one.
local core = require "lossdbg.core"
local layer = require "lossdbg.nn.layer"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

local op = core.op

-- Known to the fused epilogue of the dense op, with their default parameter.
local fused = {}
for name in ([[linear relu sigmoid tanh leaky_relu elu celu selu gelu silu mish softplus softsign
    hard_sigmoid hard_silu relu6 log_sigmoid exponential]]):gmatch("%S+") do
  fused[name] = true
end

local aliases = {
  swish = "silu", hard_swish = "hard_silu", exp = "exponential", logsoftmax = "log_softmax",
  logsigmoid = "log_sigmoid", leakyrelu = "leaky_relu", identity = "linear",
}

-- parameter of the activation, its default (the function's default in Keras)
local parameters = {
  leaky_relu = { "slope", 0.2 }, elu = { "alpha", 1 }, celu = { "alpha", 1 },
  gelu = { "approximate", false }, softmax = { "axis", -1 }, log_softmax = { "axis", -1 },
}

local parameter_alias = { negative_slope = "slope" }

local known = { "softmax", "log_softmax" }
for name in pairs(fused) do known[#known + 1] = name end
table.sort(known)
M.names = known

---@class lossdbg.Activation
---@field name string          "relu", ..., "function" for a Lua function
---@field fused string|nil     name for the fused dense op
---@field parameter number|boolean|nil
---@field apply fun(x: userdata): userdata

local function with_parameter(name, value)
  local apply = op[name]
  if name == "softmax" or name == "log_softmax" then
    return { name = name, parameter = value, apply = function(x) return apply(x, value) end }
  end
  local plain = value == parameters[name][2]
  return { name = name, parameter = value, fused = plain and name or nil,
    apply = function(x) return apply(x, value) end }
end

local function from_name(name, where, given)
  name = aliases[name] or name
  if not fused[name] and name ~= "softmax" and name ~= "log_softmax" then
    error(("lossdbg: %s: argument 'activation': unknown activation %s%s"):format(
      where, options.show(name), options.hint(name, known)), source.level())
  end
  if parameters[name] then
    local value = given
    if value == nil then value = parameters[name][2] end
    return with_parameter(name, value)
  end
  if given ~= nil then
    options.fail(where, "activation", name .. " without a parameter", given, nil, source.level())
  end
  if name == "linear" then
    return { name = name, fused = name, apply = function(x) return x end }
  end
  return { name = name, fused = name, apply = name == "exponential" and op.exp or op[name] }
end

local function from_table(spec, where)
  local name = spec.name or spec[1]
  local wanted = parameters[aliases[name] or name]
  local given
  for key, value in pairs(spec) do
    if key ~= "name" and key ~= 1 then
      key = parameter_alias[key] or key
      if not wanted or key ~= wanted[1] or type(value) ~= type(wanted[2]) then
        error(("lossdbg: %s: argument 'activation': unknown option '%s' for %s%s"):format(where,
          tostring(key), options.show(name), wanted and ("; known: " .. wanted[1]) or ""),
          source.level())
      end
      given = value
    end
  end
  return from_name(name, where, given)
end

---Reads an activation: nil (linear), a name, `{ name = "leaky_relu", slope = 0.1 }` or a function
---from tensor to tensor.
---@param spec any
---@param where string for messages
---@return lossdbg.Activation
function M.resolve(spec, where)
  if spec == nil then return from_name("linear", where) end
  if type(spec) == "string" then return from_name(spec, where) end
  if type(spec) == "table" and type(spec.name or spec[1]) == "string" then
    return from_table(spec, where)
  end
  if type(spec) == "function" then return { name = "function", apply = spec } end
  options.fail(where, "activation", "the name of an activation", spec, nil, source.level())
end

---True when the activation turns logits into probabilities over the last axis, so that a loss on
---probabilities can be computed from the logits instead.
---@param activation lossdbg.Activation
---@return boolean
function M.is_probability(activation)
  if activation.name == "sigmoid" then return true end
  return activation.name == "softmax" and activation.parameter == -1
end

local function check(given, where)
  M.resolve(given.activation, where)
end

local function spec_of(given)
  local plain = given.slope == nil and given.alpha == nil and given.approximate == nil
  if plain and given.axis == nil then return given.activation end
  return { name = given.activation, slope = given.slope, alpha = given.alpha,
    approximate = given.approximate, axis = given.axis }
end

---Applies one activation, elementwise (softmax: along `axis`, the last one by default).
---`nn.activation "relu"`, `nn.activation { "leaky_relu", slope = 0.3 }`
M.layer = layer.define {
  kind = "activation",
  schema = {
    { name = "activation", type = "string|table|function", positional = 1, required = true,
      doc = "name of the activation" },
    { name = "slope", type = "number", alias = "negative_slope", doc = "of leaky_relu" },
    { name = "alpha", type = "number", doc = "of elu and celu" },
    { name = "approximate", type = "boolean", doc = "tanh form of gelu" },
    { name = "axis", type = "integer", doc = "of softmax, negative from the end" },
  },
  check = function(given, where) check({ activation = spec_of(given) }, where) end,
  infer = function(_, input_shape) return input_shape end,
  create = function(self)
    self.activation = M.resolve(spec_of(self.options), "nn.activation")
  end,
  forward = function(self, x, context)
    if context.tap then context.tap(self, "before", x) end
    if context.logits == self and M.is_probability(self.activation) then return x end
    return self.activation.apply(x)
  end,
}

return M
