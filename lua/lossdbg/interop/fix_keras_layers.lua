--- Patches of layers as code of Keras: the model is cloned with some layers changed, so that the
-- lines work for sequential and functional models alike, and compiled as before.
local literal = require "lossdbg.interop.fix_literal"

local python = literal.python
local rows = {}

-- Lines that clone the model with `body` applied to every layer; `body` sees layer and config.
local function clone(body)
  return ("def changed(layer):\n    config = layer.get_config()\n%s\n" ..
    "    return type(layer).from_config(config)\n" ..
    "settings = model.get_compile_config()\n" ..
    "model = keras.models.clone_model(model, clone_function=changed)\n" ..
    "model.compile_from_config(settings)"):format(body)
end

local function list(names)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = python(name) end
  return "(" .. table.concat(parts, ", ") .. (#parts == 1 and "," or "") .. ")"
end

local initializers = { zeros = "zeros", ones = "ones", he_normal = "he_normal",
  he_uniform = "he_uniform", glorot_normal = "glorot_normal", glorot_uniform = "glorot_uniform",
  lecun_normal = "lecun_normal", lecun_uniform = "lecun_uniform", orthogonal = "orthogonal",
  random_normal = "random_normal", random_uniform = "random_uniform" }

local function initializer(value)
  return python(initializers[value] or (type(value) == "string" and value) or "glorot_uniform")
end

local function regularizer(value)
  if value == nil or value == "none" or value == false then return "None" end
  if type(value) == "string" then return python(value) end
  local given = { l1 = value.l1 or 0.0, l2 = value.l2 or 0.0 }
  return ('{"class_name": "L1L2", "config": %s}'):format(python(given))
end

-- Our options of layers in Keras' words, with how their values are written.
local words = {
  activation = { "activation", function(v) return python(type(v) == "table" and v.name or v) end },
  init = { "kernel_initializer", initializer }, bias_init = { "bias_initializer", initializer },
  kernel_regularizer = { "kernel_regularizer", regularizer },
  bias_regularizer = { "bias_regularizer", regularizer },
  units = { "units", python }, filters = { "filters", python }, rate = { "rate", python },
  bias = { "use_bias", python }, momentum = { "momentum", python },
  epsilon = { "epsilon", python }, trainable = { "trainable", python },
}

local function assignments(options, indent)
  local lines = {}
  for key, value in pairs(options) do
    local word = words[key]
    lines[#lines + 1] = indent .. (word and ('config["%s"] = %s'):format(word[1], word[2](value))
      or ("pass  # Keras has no option " .. key))
  end
  table.sort(lines)
  return table.concat(lines, "\n")
end

local function change(names, options)
  return clone(("    if layer.name in %s:\n%s"):format(list(names), assignments(options,
    "        ")))
end

local function paths_of(c, kind, hidden)
  local found = {}
  for _, layer in ipairs(c.description.layers) do
    if layer.kind == kind then found[#found + 1] = c.name(layer.path) end
  end
  if hidden then found[#found] = nil end
  return found
end

-- ---- what a new layer is called in Keras --------------------------------------------------------

local classes = { dropout = "Dropout(%s)", batch_norm = "BatchNormalization()", dense = "Dense(%s)",
  layer_norm = "LayerNormalization()", flatten = "Flatten()", activation = "Activation(%s)",
  gaussian_noise = "GaussianNoise(%s)", rms_norm = "RMSNormalization()",
  spatial_dropout = "SpatialDropout1D(%s)", alpha_dropout = "AlphaDropout(%s)" }
local first_option = { dropout = "rate", dense = "units", activation = "activation",
  gaussian_noise = "stddev", spatial_dropout = "rate", alpha_dropout = "rate" }

local function made(layer)
  if type(layer) == "string" then layer = { kind = layer } end
  local kind = layer.kind or layer[1]
  local class, given = classes[kind], layer.options or layer
  if not class then return nil, kind end
  local first = first_option[kind] and (given[first_option[kind]] or given[2] or given[1])
  return "keras.layers." .. class:format(python(first)), kind
end

-- A layer in front of the whole model, which may be of any kind.
local function in_front(layer)
  return ("%s\nsettings = model.get_compile_config()\n" ..
    "model = keras.Sequential([keras.Input(x.shape[1:]), first, model])\n" ..
    "model.compile_from_config(settings)"):format(layer)
end

function rows.insert(value, c)
  local layer = type(value.layer) == "table" and value.layer or { kind = value.layer }
  local kind, given = layer.kind or layer[1], layer.options or layer
  if kind == "normalization" then
    return in_front "first = keras.layers.Normalization()\nfirst.adapt(x)"
  elseif kind == "rescale" then
    return in_front(("first = keras.layers.Rescaling(%s, offset=%s)"):format(
      python(given.scale or given[1]), python(given.offset or 0)))
  end
  local code = made(layer)
  if not code then return "# Keras has no layer " .. tostring(kind) end
  local path = value.after or value.before
  local at = value.at and c.description.layers[value.at]
  path = path or at and at.path
  if value.at == 1 then return in_front("first = " .. code) end
  if not path then
    return ("settings = model.get_compile_config()\n" ..
      "model = keras.Sequential([model, %s])\nmodel.compile_from_config(settings)"):format(code)
  end
  local twin = "type(layer).from_config(config)"
  local pair = value.after and twin .. ", " .. code or code .. ", " .. twin
  return clone(("    if layer.name == %s:\n        return keras.Sequential([%s], " ..
    "name=layer.name)"):format(python(c.name(path)), pair))
end

function rows.remove(value, c)
  local names = type(value) == "table" and value.kind and paths_of(c, value.kind)
    or { c.name(type(value) == "table" and value.path or value) }
  return clone(("    if layer.name in %s:\n        return keras.layers.Identity(name=layer.name)")
    :format(list(names)))
end

function rows.layer(value, c) return change({ c.name(value.path) }, value.options) end

function rows.layers(value, c)
  return change(paths_of(c, value.kind or "dense", value.hidden), value.options)
end

function rows.init(value)
  return clone(("    if \"kernel_initializer\" in config:\n        " ..
    "config[\"kernel_initializer\"] = %s"):format(initializer(value)))
end

function rows.bias_init(value)
  return clone(("    if \"bias_initializer\" in config:\n        " ..
    "config[\"bias_initializer\"] = %s"):format(initializer(value)))
end

-- A softmax or sigmoid as a layer of its own behind the last weights goes, too.
function rows.output(value, c)
  local last, drop, behind = c.last, {}, false
  if not last then return "# put keras.layers.Dense(...) behind the model" end
  for _, layer in ipairs(c.description.layers) do
    if behind and layer.kind == "activation" and value.activation then
      drop[#drop + 1] = c.name(layer.path)
    end
    behind = behind or layer.path == last
  end
  local body = ("    if layer.name == %s:\n%s"):format(python(c.name(last)), assignments(value,
    "        "))
  if #drop > 0 then
    body = body .. ("\n    if layer.name in %s:\n        " ..
      "return keras.layers.Identity(name=layer.name)"):format(list(drop))
  end
  return clone(body)
end

function rows.regularizer(value)
  local none = value == "none" or value == false
  local kinds = none and '("kernel_regularizer", "bias_regularizer", "activity_regularizer")'
    or '("kernel_regularizer",)'
  return clone(("    for key in %s:\n        if key in config:\n            config[key] = %s")
    :format(kinds, regularizer(value)))
end

function rows.dropout(value, c)
  local found = paths_of(c, "dropout")
  if #found > 0 and value == 0 then return rows.remove({ kind = "dropout" }, c) end
  if #found > 0 then return change(found, { rate = value }) end
  return rows.insert({ before = c.last, layer = { kind = "dropout", rate = value } }, c)
end

function rows.trainable(value)
  return ("for layer in model.layers:\n    layer.trainable = %s\n" ..
    "model.compile_from_config(model.get_compile_config())"):format(python(value))
end

return rows
