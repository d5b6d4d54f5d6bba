--- Training programs of Keras, brought here: a program in the small JSON form of the fault
-- benchmark becomes an experiment.
local data = require "lossdbg.data"
local keras_layers = require "lossdbg.interop.keras_layers"
local keras_loss = require "lossdbg.interop.keras_loss"
local options = require "lossdbg.options"
local tensors = require "lossdbg.tensor"

local M = {}

local function fail(key, expected, value)
  error(("lossdbg: interop.keras: '%s': expected %s, got %s"):format(key, expected,
    options.show(value)), 0)
end

local function read_array(folder, name, key)
  if type(name) ~= "string" then fail(key, "the name of a file", name) end
  local tensor, why = data.read_npy(folder .. "/" .. name)
  if not tensor then error(("lossdbg: interop.keras: '%s': %s"):format(key, why), 0) end
  return tensor
end

local function rows_of(tensor, range)
  if not range then return tensor end
  return tensor:slice(1, range[1] + 1, range[2]):contiguous()
end

local function operand(by, x)
  return type(by) == "table" and tensors.tensor(by, x.dtype) or by
end

local transforms = {
  divide = function(x, step) return x / operand(step.by, x) end,
  subtract = function(x, step) return x - operand(step.by, x) end,
  reshape = function(x, step)
    local shape = { x.shape[1] }
    for _, n in ipairs(step.shape) do shape[#shape + 1] = n end
    return x:reshape(shape)
  end,
  flatten = function(x) return x:reshape { x.shape[1], -1 } end,
}

local function transformed(x, steps)
  x = x.dtype == "f32" and x or x:cast "f32"
  for i, step in ipairs(steps or {}) do
    local apply = transforms[step.op]
    if not apply then fail(("transform[%d].op"):format(i), "divide, subtract, reshape or flatten",
      step.op) end
    x = apply(x, step)
  end
  return x
end

-- Class ids stay integers where the loss reads them as ids; everything else is fed as numbers.
local function target(y, case)
  if case.loss.name == "sparse_categorical_crossentropy" then
    return y:cast("i32"):reshape { y.shape[1] }
  end
  return y.dtype == "f32" and y or y:cast "f32"
end

local function read_data(case, folder)
  local d = case.data
  local raw = read_array(folder, d.x, "data.x")
  local x = transformed(rows_of(raw, d.rows), d.transform)
  local train = { x = x:contiguous() }
  train.y = type(d.y) == "string" and target(rows_of(read_array(folder, d.y, "data.y"), d.rows), case) or train.x
  if type(d.val_x) ~= "string" then return train end
  local val_raw = d.val_x == d.x and raw or read_array(folder, d.val_x, "data.val_x")
  local val = { x = transformed(rows_of(val_raw, d.val_rows), d.val_transform or d.transform)
    :contiguous() }
  val.y = type(d.val_y) == "string" and target(rows_of(read_array(folder, d.val_y, "data.val_y"), d.val_rows), case)
    or val.x
  return train, val
end

local function optimizer(o)
  local spec = { name = o.name, lr = o.learning_rate, momentum = o.momentum,
    nesterov = o.nesterov, epsilon = o.epsilon, weight_decay = o.weight_decay,
    clip_norm = o.clipnorm }
  local s = o.schedule
  if s then
    if s.name ~= "linear" then fail("optimizer.schedule.name", "linear", s.name) end
    spec.lr = require("lossdbg.schedule").polynomial { s.from, s.steps, end_lr = s.to }
  end
  return require("lossdbg.optim").resolve(spec, "interop.keras")
end

-- Indices into the model become paths: dense_1, dense_2, conv2d_1, ...
local function paths(model, indices)
  if not indices then return nil end
  local count, path, out = {}, {}, {}
  for i, layer in ipairs(model) do
    local kind = layer.kind
    count[kind] = (count[kind] or 0) + 1
    path[i] = kind .. "_" .. count[kind]
  end
  for i, index in ipairs(indices) do out[i] = path[index + 1] end
  return out
end

local function loop(case, model)
  local l = case.loop
  if not l then return nil end
  return { zero_grad = l.zero_grad, gradient_sign = l.gradient_sign,
    shuffle = l.shuffle == "x_only" and "x_only" or nil,
    parameters = paths(model, l.optimizer_parameters),
    reinitialise = paths(model, l.reinitialise_layers) }
end

local function metrics(case)
  local out = {}
  for i, m in ipairs(case.metrics or {}) do
    out[i] = type(m) == "table" and { m.name, threshold = m.threshold } or m
  end
  return #out > 0 and out or nil
end

--- The experiment of a program.
---@param case table decoded JSON: data, input_shape, model, loss, optimizer, batch_size, epochs, …
---@param folder string where the data files are
---@param o? { seed?: integer }
---@return lossdbg.Experiment raises a message that names the key when something is not understood
function M.experiment(case, folder, o)
  local train, val = read_data(case, folder)
  local model = keras_layers.all(case.model)
  local task = case.task
  return require("lossdbg.experiment").new {
    train = train, val = val, model = model, loss = keras_loss.loss(case.loss),
    optimizer = optimizer(case.optimizer), batch = case.batch_size, epochs = case.epochs,
    max_steps = case.max_steps, seed = o and o.seed or case.seed,
    shuffle = not (case.loop and case.loop.shuffle == false), loop = loop(case, model),
    metrics = metrics(case), name = case.id, fuse = false,
    task = (task == "binary" or task == "multiclass" or task == "multilabel") and task
      or "regression",
  }
end

return M
