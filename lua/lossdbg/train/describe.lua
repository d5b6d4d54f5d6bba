--- The plain description of an experiment: data that rules and views read.
local initializer = require "lossdbg.nn.initializer"

local M = {}

local function init_name(init)
  if init == nil then return nil end
  if type(init) == "table" then return init.name or init.kind or tostring(init) end
  return type(init) == "string" and init or "function"
end

local function activation_name(layer)
  if not layer.activation then return nil end
  local name = layer.activation.name
  return name ~= "linear" and name or nil
end

-- Options without functions and tensors.
local function plain(value, depth)
  local kind = type(value)
  if kind == "function" then return "function" end
  if kind == "userdata" then return "tensor" end
  if kind ~= "table" or depth > 4 then return value end
  local copy = {}
  for key, item in pairs(value) do copy[key] = plain(item, depth + 1) end
  return copy
end

---@param model lossdbg.Model
---@return table[] layers of the description
function M.layers(model)
  local list, from, is_output = {}, {}, {}
  if model.plan then from, is_output = model:connections() end
  for i, layer in ipairs(model.list) do
    local kernel = layer.weights.kernel
    local fan_in, fan_out
    if kernel then fan_in, fan_out = initializer.fans(kernel.shape) end
    list[i] = {
      index = i, path = layer.path, kind = layer.kind, options = plain(layer.options, 1),
      activation = activation_name(layer), source = layer.source, trainable = layer.trainable,
      input_shape = layer.input_shape, output_shape = layer.output_shape,
      n_parameters = layer:count(), fan_in = fan_in, fan_out = fan_out,
      custom = (layer.kind == "lambda" or activation_name(layer) == "function") or nil,
      init = kernel and init_name(layer.options.init) or nil,
      adapted = layer.state and layer.state.adapted_to or nil,
      inputs = from[layer.path], is_output = is_output[layer.path],
      given_statistics = layer.kind == "normalization" and layer.options.mean ~= nil or nil,
    }
  end
  return list
end

---What the model alone tells.
---@param model lossdbg.Model
---@return table
function M.model(model)
  return { layers = M.layers(model), n_parameters = model:count(),
    n_trainable = model:count(true), input_shape = model.input_shape,
    input_shapes = model.input_shapes, output_shapes = model.output_shapes,
    output_shape = model.output_shape, dtype = model.dtype, seed = model.seed }
end

local function early_stopping(given)
  if not given then return nil end
  return given == true and { monitor = "val_loss", patience = 0 } or plain(given, 1)
end

---@param recipe table
---@param prepared table
---@return table
function M.experiment(recipe, prepared)
  local model = prepared.model
  local steps = math.ceil(prepared.train.n / recipe.batch)
  return {
    layers = M.layers(model), loss = prepared.loss:describe(),
    optimizer = M.optimizer(recipe), batch = recipe.batch, epochs = recipe.epochs,
    max_steps = recipe.max_steps, shuffle = recipe.shuffle, seed = recipe.seed,
    steps_per_epoch = steps, n_train = prepared.train.n, n_val = prepared.val and prepared.val.n,
    n_parameters = model:count(), n_trainable = model:count(true), task = prepared.task,
    input_shape = model.input_shape, output_shape = model.output_shape, target = recipe.target,
    input_shapes = model.input_shapes, output_shapes = model.output_shapes,
    class_weight = recipe.class_weight,
    early_stopping = early_stopping(recipe.early_stopping), name = recipe.name,
    metrics = plain(recipe.metrics, 1),
    fused = recipe.fuse, dtype = recipe.dtype, classes = recipe.train_rows.classes,
  }
end

---@param recipe table
---@return table { name, lr, flavor, ..., schedule = { name } }
function M.optimizer(recipe)
  local described = require("lossdbg.optim").describe(recipe.optimizer, recipe.schedule)
  for _, name in ipairs { "clip_norm", "clip_value", "global_clip_norm" } do
    if recipe[name] then described[name] = recipe[name] end
  end
  return described
end

return M
