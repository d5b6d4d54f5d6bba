--- Layers as Keras names and configures them, turned into our descriptions. Names and defaults are
-- those of Keras 3. Every key is read or has a value that changes nothing; anything else raises and
-- names layer and key.
local attempt = require "lossdbg.support.attempt"
local kinds = require "lossdbg.interop.keras_kinds"
local nn = require "lossdbg.nn"
local options = require "lossdbg.support.options"

local M = {}

-- Keys without an effect here, at any value.
local silent = {}
for key in ([[layer name trainable dtype seed batch_input_shape batch_shape input_shape input_length
    unroll implementation supports_masking fused renorm_momentum optional input_dtype
    renorm_clipping autocast]]):gmatch("%S+") do
  silent[key] = true
end

-- Keys that must have this value when a layer does not read them. A list is neutral when all of it
-- is.
local neutral = { data_format = "channels_last", dilation_rate = 1, groups = 1, sparse = false,
  ragged = false, stateful = false, time_major = false, return_state = false, dropout = 0,
  recurrent_dropout = 0, zero_output_for_mask = false, synchronized = false, renorm = false,
  mask_zero = false, threshold = 0, invert = false, rms_scaling = false, go_backwards = false,
  keepdims = false, padding = "valid", attention_axes = 1,
  use_gate = false, count = 1, output_padding = false }

local function is_neutral(key, value)
  if silent[key] then return true end
  if type(value) == "table" then
    for _, item in ipairs(value) do
      if item ~= neutral[key] then return false end
    end
    return #value > 0 and neutral[key] ~= nil
  end
  return neutral[key] ~= nil and value == neutral[key]
end

local function fail(path, key, value, expected)
  error(("lossdbg: interop.keras: %s: '%s': expected %s, got %s"):format(path, key, expected,
    options.show(value)), 0)
end

-- ---- values of options -------------------------------------------------------------------------

-- Keras counts axes from 0 with the batch; we count from 1. Negative ones are the same.
local function axis(value)
  if type(value) == "table" then
    local list = {}
    for i, one in ipairs(value) do list[i] = axis(one) end
    return list
  end
  return math.type(value) == "integer" and value >= 0 and value + 1 or value
end

local function activation(spec)
  if spec == "leaky_relu" then return { name = "leaky_relu", slope = 0.2 } end
  if type(spec) ~= "table" then return spec end
  local copy = {}
  for key, value in pairs(spec) do copy[key] = value end
  copy.axis = axis(copy.axis)
  return copy
end

local function initializer(spec)
  if type(spec) ~= "table" then return spec end
  local copy = {}
  for key, value in pairs(spec) do copy[key] = value end
  copy.seed = nil
  return copy
end

local function regularizer(spec)
  if type(spec) ~= "table" then return spec end
  return { l1 = spec.l1 or 0, l2 = spec.l2 or 0 }
end

local function as_is(value) return value end

-- [[1, 1], [2, 2]] and [1, 1] are ours too, as plain tables.
local function plain(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for i, item in ipairs(value) do copy[i] = plain(item) end
  return copy
end

-- Keras' key = { ours, conversion }
local keys = {
  units = { "units" }, filters = { "filters" }, rate = { "rate" }, stddev = { "stddev" },
  activation = { "activation", activation }, use_bias = { "bias" },
  recurrent_activation = { "recurrent_activation", activation },
  kernel_size = { "kernel", plain }, strides = { "strides", plain }, padding = { "padding", plain },
  dilation_rate = { "dilation", plain }, groups = { "groups" }, pool_size = { "pool", plain },
  depth_multiplier = { "multiplier" }, output_padding = { "output_padding", plain },
  target_shape = { "shape", plain }, scale = { "scale" }, offset = { "offset" }, n = { "n" },
  momentum = { "momentum" }, epsilon = { "epsilon" }, center = { "center" },
  axis = { "axis", axis }, axes = { "axes", axis }, normalize = { "normalize" },
  input_dim = { "input_dim" }, output_dim = { "output_dim" }, keepdims = { "keepdims" },
  size = { "size", plain }, interpolation = { "interpolation" },
  return_sequences = { "return_sequences" }, go_backwards = { "go_backwards" },
  stateful = { "stateful" }, unit_forget_bias = { "unit_forget_bias" },
  reset_after = { "reset_after" }, dropout = { "dropout" }, mean = { "mean", plain },
  variance = { "variance", plain }, num_heads = { "num_heads" }, key_dim = { "key_dim" },
  value_dim = { "value_dim" }, dims = { "dims", plain }, mask_value = { "mask_value" },
  mask_zero = { "mask_zero" }, zero_output_for_mask = { "zero_output_for_mask" },
}
for _, name in ipairs { "recurrent", "bias", "gamma", "beta", "moving_mean", "moving_variance",
  "depthwise", "pointwise" } do
  keys[name .. "_initializer"] = { name .. "_init", initializer }
end
for _, name in ipairs { "kernel", "bias", "recurrent", "gamma", "beta", "activity", "depthwise",
  "pointwise" } do
  keys[name .. "_regularizer"] = { name .. "_regularizer", regularizer }
end
for _, name in ipairs { "kernel", "bias", "recurrent", "gamma", "beta", "depthwise", "pointwise",
  "embeddings" } do
  keys[name .. "_constraint"] = { name .. "_constraint", as_is }
end
keys.embeddings_constraint = { "constraint", as_is }
keys.kernel_initializer = { "init", initializer }
keys.embeddings_initializer = { "init", initializer }
keys.embeddings_regularizer = { "regularizer", regularizer }

-- Layers that are an activation with a parameter, and wrappers: their options in our words.
local special = {}

function special.activation(from)
  local spec = activation(from.activation)
  if type(spec) ~= "table" then return "activation", { activation = spec } end
  local o = { activation = spec.name }
  for key, value in pairs(spec) do
    if key ~= "name" then o[key] = value end
  end
  return "activation", o
end

function special.relu(from, path)
  local slope, top = from.negative_slope or 0, from.max_value
  if top and not (top == 6 and slope == 0) then fail(path, "max_value", top, "none, or 6") end
  if slope ~= 0 then return "activation", { activation = "leaky_relu", slope = slope } end
  return "activation", { activation = top and "relu6" or "relu" }
end

function special.leaky_relu(from)
  return "activation", { activation = "leaky_relu",
    slope = from.negative_slope or from.alpha or 0.3 }
end

function special.elu(from)
  return "activation", { activation = "elu", alpha = from.alpha }
end

function special.softmax(from)
  return "activation", { activation = "softmax", axis = axis(from.axis) }
end

-- The wrapper of a layer that works on the last axis anyway.
function special.time_distributed(from, path)
  local inner = from.layer_config
  if type(inner) ~= "table" then fail(path, "layer", inner, "a layer (blocks are not taken)") end
  if inner.layer == "dense" then return "dense", M.options(inner, path) end
  return "time_distributed", { layer = M.layer(inner, path .. ": layer") }
end

function special.identity() return "activation", { activation = "linear" } end

function special.bidirectional(from, path)
  local inner = from.layer_config
  if type(inner) ~= "table" then fail(path, "layer", inner, "a recurrent layer") end
  local back = from.backward_config
  return "bidirectional", { layer = M.layer(inner, path .. ": layer"),
    backward_layer = back and M.layer(back, path .. ": backward_layer"),
    merge_mode = from.merge_mode or "concat" }
end

special.re_lu, special.leaky_re_lu = special.relu, special.leaky_relu

local known = {}
for name in pairs(kinds) do known[#known + 1] = name end
for name in pairs(special) do known[#known + 1] = name end
table.sort(known)
M.known = known

-- ---- reading -----------------------------------------------------------------------------------

-- A view of the options that remembers what was read.
local function reader(from)
  local seen = {}
  return setmetatable({}, { __index = function(_, key)
    seen[key] = true
    return from[key]
  end }), seen
end

local function check_rest(from, seen, path)
  for key, value in pairs(from) do
    if not seen[key] and not is_neutral(key, value) then
      local expected = neutral[key] ~= nil and options.show(neutral[key])
        or "a key that is known for this layer"
      fail(path, key, value, expected)
    end
  end
end

--- Our kind and options of a layer.
---@param from table options by Keras' names, `layer` the class in snake_case
---@param path string for messages
---@return table options
---@return string kind
function M.options(from, path)
  local view, seen = reader(from)
  local name, kind, out = from.layer, nil, nil
  if special[name] then
    kind, out = special[name](view, path)
  elseif kinds[name] then
    kind, out = kinds[name][1], {}
    for key in kinds[name][2]:gmatch("%S+") do
      local value = view[key]
      if value ~= nil then out[keys[key][1]] = (keys[key][2] or as_is)(value) end
    end
  else
    fail(path, "layer", name, "one of " .. table.concat(known, ", "))
  end
  if name == "normalization" and out.mean == nil then out.adapt = true end
  seen.layer_config = true
  check_rest(from, seen, path)
  out.name, out.trainable = from.name, from.trainable
  return out, kind
end

--- One layer.
---@param from table options by Keras' names, `layer` the class in snake_case
---@param path string for messages
---@return table description
function M.layer(from, path)
  if type(from) ~= "table" then
    error(("lossdbg: interop.keras: %s: expected an object, got %s"):format(path,
      options.show(from)), 0)
  end
  local given, kind = M.options(from, path)
  local ok, made = attempt.call(nn[kind], given)
  if ok then return made end
  error(("lossdbg: interop.keras: %s: %s"):format(path,
    (tostring(made):gsub("^.-lossdbg: ", ""))), 0)
end

--- All layers of a list.
---@param list table[]
---@return table[]
function M.all(list)
  local out = {}
  for i, from in ipairs(list) do
    local name = type(from) == "table" and tostring(from.layer) or "?"
    out[i] = M.layer(from, ("layer %d (%s)"):format(i, name))
  end
  return out
end

return M
