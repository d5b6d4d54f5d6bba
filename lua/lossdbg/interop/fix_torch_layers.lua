--- Patches of layers as code of PyTorch: modules are replaced in place by their names, so that the
-- lines work for nn.Sequential and for classes of one's own alike. New parameters need an
-- optimiser that knows them; the lines make it.
local literal = require "lossdbg.interop.fix_literal"

local python = literal.python
local rows = {}

local activations = { relu = "ReLU()", tanh = "Tanh()", sigmoid = "Sigmoid()", gelu = "GELU()",
  leaky_relu = "LeakyReLU()", elu = "ELU()", selu = "SELU()", silu = "SiLU()", swish = "SiLU()",
  softplus = "Softplus()", softmax = "Softmax(dim=-1)", log_softmax = "LogSoftmax(dim=-1)",
  linear = "Identity()", relu6 = "ReLU6()", mish = "Mish()", hard_sigmoid = "Hardsigmoid()" }

local function activation(value)
  local name = type(value) == "table" and (value.name or value[1]) or value
  return "torch.nn." .. (activations[name] or "Identity()")
end

-- `code` may use `old`, the module that it takes the place of.
local function replace(name, code)
  return ("old = model.get_submodule(%s)\nparent, _, child = %s.rpartition(\".\")\n" ..
    "setattr(model.get_submodule(parent), child, %s)"):format(python(name), python(name), code)
end

local anew = "\noptimizer = type(optimizer)(model.parameters(), **{k: v for k, v in " ..
  "optimizer.defaults.items() if k not in (\"differentiable\", \"decoupled_weight_decay\")})"

local fills = { zeros = "zeros_", ones = "ones_", he_normal = "kaiming_normal_",
  he_uniform = "kaiming_uniform_", glorot_normal = "xavier_normal_",
  glorot_uniform = "xavier_uniform_", orthogonal = "orthogonal_", random_normal = "normal_" }

local function fill(value, what)
  local name = type(value) == "table" and (value.name or value[1]) or value
  local method, more = fills[name] or "xavier_uniform_", ""
  if name == "lecun_normal" then
    method, more = "kaiming_normal_", ", nonlinearity=\"linear\""
  elseif name == "random_normal" then
    more = ", std=0.05"
  elseif name and name:find "^he_" then
    more = ", nonlinearity=\"relu\""
  end
  return ("torch.nn.init.%s(%s%s)"):format(method, what, more)
end

local function for_modules(body)
  return "for module in model.modules():\n    if isinstance(module, (torch.nn.Linear, " ..
    "torch.nn.Conv1d, torch.nn.Conv2d)):\n        " .. body
end

function rows.init(value) return for_modules(fill(value, "module.weight")) end

function rows.bias_init(value)
  return for_modules("if module.bias is not None:\n            " .. fill(value == "ones" and "ones"
    or "zeros", "module.bias"))
end

local function set_options(name, options, c)
  local lines = {}
  for key, value in pairs(options) do
    if key == "activation" then
      lines[#lines + 1] = replace(name, ("torch.nn.Sequential(old, %s)"):format(activation(value)))
    elseif key == "init" then
      lines[#lines + 1] = fill(value, ("model.get_submodule(%s).weight"):format(python(name)))
    elseif key == "bias_init" then
      lines[#lines + 1] = fill(value, ("model.get_submodule(%s).bias"):format(python(name)))
    elseif key == "rate" then
      lines[#lines + 1] = ("model.get_submodule(%s).p = %s"):format(python(name), python(value))
    elseif key == "units" then
      lines[#lines + 1] = replace(name, ("torch.nn.Linear(old.in_features, %s)"):format(
        python(value))) .. anew
    elseif key == "trainable" then
      lines[#lines + 1] = ("model.get_submodule(%s).requires_grad_(%s)"):format(python(name),
        python(value))
    else
      lines[#lines + 1] = ("# %s of %s: set it where the module is made"):format(key, name)
    end
  end
  table.sort(lines)
  return table.concat(lines, "\n"), c
end

-- The activation that follows a layer as a module of its own, by our path.
local function follower(c, path)
  local found = false
  for _, layer in ipairs(c.description.layers) do
    if found then return layer.kind == "activation" and layer.path or nil end
    found = layer.path == path
  end
end

-- With an activation behind the layer, that one is replaced; else one is put there.
local function change(path, options, c)
  local behind = options.activation and follower(c, path)
  if not behind then return (set_options(c.name(path), options, c)) end
  local rest, n = {}, 0
  for key, value in pairs(options) do
    if key ~= "activation" then rest[key], n = value, n + 1 end
  end
  local line = replace(c.name(behind), activation(options.activation))
  return n == 0 and line or line .. "\n" .. set_options(c.name(path), rest, c)
end

local function of_kind(c, kind, hidden)
  local found = {}
  for _, layer in ipairs(c.description.layers) do
    if layer.kind == kind then found[#found + 1] = layer.path end
  end
  if hidden then found[#found] = nil end
  return found
end

function rows.layer(value, c) return change(value.path, value.options, c) end

function rows.layers(value, c)
  local lines = {}
  for i, path in ipairs(of_kind(c, value.kind or "dense", value.hidden)) do
    lines[i] = change(path, value.options, c)
  end
  return table.concat(lines, "\n")
end

-- An activation that follows the last weights goes; the new one is put behind them.
function rows.output(value, c)
  local lines, behind = {}, false
  if not c.last then return "# put torch.nn.Linear(...) behind the model" end
  for _, layer in ipairs(c.description.layers) do
    if behind and layer.kind == "activation" and value.activation then
      lines[#lines + 1] = replace(c.name(layer.path), "torch.nn.Identity()")
    end
    behind = behind or layer.path == c.last
  end
  local options = { units = value.units }
  if value.activation ~= "linear" then options.activation = value.activation end
  if value.units then
    lines[#lines + 1] = set_options(c.name(c.last), { units = value.units }, c)
  end
  if options.activation then
    lines[#lines + 1] = set_options(c.name(c.last), { activation = value.activation }, c)
  end
  return table.concat(lines, "\n")
end

local classes = { dropout = "Dropout(%s)", activation = "%s", batch_norm = "LazyBatchNorm1d()",
  layer_norm = "LayerNorm(old.out_features)", gaussian_noise = nil, flatten = "Flatten()" }

local function made(layer)
  if type(layer) == "string" then layer = { kind = layer } end
  local kind, given = layer.kind or layer[1], layer.options or layer
  if kind == "activation" then return activation(given.activation or given[1]) end
  local class = classes[kind]
  return class and "torch.nn." .. class:format(python(given.rate or given[2] or given[1])), kind
end

function rows.insert(value, c)
  local layer = type(value.layer) == "table" and value.layer or { kind = value.layer }
  local kind, given = layer.kind or layer[1], layer.options or layer
  if kind == "normalization" then
    return "x = (x - x.mean(0)) / x.std(0).clamp_min(1e-7)  # the same for every later x"
  elseif kind == "rescale" then
    return ("x = x * %s + %s  # the same for every later x"):format(
      python(given.scale or given[1]), python(given.offset or 0))
  end
  local code = made(layer)
  if not code then return "# PyTorch has no module " .. tostring(kind) end
  local at = value.at and c.description.layers[value.at]
  local path, after = value.after or value.before or at and at.path, value.after ~= nil
  if not path then path, after = c.description.layers[#c.description.layers].path, true end
  return replace(c.name(path), ("torch.nn.Sequential(%s)"):format(after and "old, " .. code
    or code .. ", old"))
end

function rows.remove(value, c)
  local paths = type(value) == "table" and value.kind and of_kind(c, value.kind)
    or { type(value) == "table" and value.path or value }
  local lines = {}
  for i, path in ipairs(paths) do lines[i] = replace(c.name(path), "torch.nn.Identity()") end
  return table.concat(lines, "\n")
end

function rows.regularizer(value)
  local l2 = type(value) == "table" and value.l2 or 0
  local line = "for group in optimizer.param_groups:\n    group[\"weight_decay\"] = " ..
    python(2.0 * l2) -- Keras has l2 |w|^2, PyTorch weight_decay / 2 |w|^2
  local l1 = type(value) == "table" and value.l1 or 0
  return l1 == 0 and line or line .. ("\n# and for l1: loss = loss + %s * " ..
    "sum(p.abs().sum() for p in model.parameters())"):format(python(l1))
end

function rows.dropout(value, c)
  if #of_kind(c, "dropout") == 0 and value > 0 then
    return rows.insert({ before = c.last, layer = { kind = "dropout", rate = value } }, c)
  end
  return ("for module in model.modules():\n    if isinstance(module, torch.nn.Dropout):\n" ..
    "        module.p = %s"):format(python(value))
end

function rows.trainable(value) return ("model.requires_grad_(%s)"):format(python(value)) end

return rows
