--- Optimisers. `ld.optim.adam { model, lr = 1e-3 }` updates the parameters of a model;
-- `ld.optim.adam { lr = 1e-3 }` is a description, for an experiment or a later :attach(model).
-- flavor = "keras" (default) or "torch" chooses defaults and formulas where the two differ.
local options = require "lossdbg.support.options"
local optimizer = require "lossdbg.optim.optimizer"
local rates = require "lossdbg.optim.rate"
local source = require "lossdbg.support.source"

local adam = require "lossdbg.optim.adam"
local kinds = {
  sgd = require "lossdbg.optim.sgd", rmsprop = require "lossdbg.optim.rmsprop",
  adam = adam.adam, adamw = adam.adamw, adagrad = require "lossdbg.optim.adagrad",
  adadelta = require "lossdbg.optim.adadelta", adamax = require "lossdbg.optim.adamax",
  nadam = require "lossdbg.optim.nadam", radam = require "lossdbg.optim.radam",
  lion = require "lossdbg.optim.lion", lamb = require "lossdbg.optim.lamb",
  adafactor = require "lossdbg.optim.adafactor",
}
local names = {}
for name in pairs(kinds) do names[#names + 1] = name end
table.sort(names)

local M = { names = names }

-- Options that every optimiser has besides its own:
--   weight_decay = 0 (AdamW 0.004, torch 0.01), taken off the weights in Keras, part of the
--     gradient in PyTorch; decoupled_weight_decay chooses otherwise
--   clip_value, clip_norm (each tensor), global_clip_norm (all): one of them
--   gradient_accumulation_steps: one update by the mean gradient of so many steps
--   use_ema = false, ema_momentum = 0.99, ema_overwrite_frequency: running average of the weights,
--     put into them at the end of fit, and at every so many updates
--   groups = { { parameters = "dense_1", lr = 1e-4, weight_decay = 0 }, ... }: names of layers,
--     blocks or weights ("bias") with options of their own; a list of groups with tensors or layers
--     may also stand in place of the model
--   flavor = "keras"|"torch"

---Gradient descent. Keras: velocity <- momentum velocity - lr g; PyTorch keeps lr outside.
---@param given? table lr = 0.01 (torch 0.001), momentum = 0, nesterov = false, dampening = 0
---  (torch), weight_decay = 0, clip_value, clip_norm, global_clip_norm, flavor; place 1: the model
---@return lossdbg.Optimizer
function M.sgd(given)
  local made = optimizer.new(kinds.sgd, given)
  return made
end

---RMSprop: steps divided by the root of a running mean of g^2.
---@param given? table lr = 0.001 (torch 0.01), rho = 0.9 (0.99), momentum = 0,
---  epsilon = 1e-7 (1e-8), centered = false, and the common options of sgd
---@return lossdbg.Optimizer
function M.rmsprop(given)
  local made = optimizer.new(kinds.rmsprop, given)
  return made
end

---Adam.
---@param given? table lr = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 (torch 1e-8),
---  amsgrad = false, and the common options of sgd
---@return lossdbg.Optimizer
function M.adam(given)
  local made = optimizer.new(kinds.adam, given)
  return made
end

---Adam with weight decay taken off the weights, not added to the gradient.
---@param given? table as adam, weight_decay = 0.004 (torch 0.01)
---@return lossdbg.Optimizer
function M.adamw(given)
  local made = optimizer.new(kinds.adamw, given)
  return made
end

---Adagrad.
---@param given? table lr = 0.001 (torch 0.01), epsilon = 1e-7 (1e-10),
---  initial_accumulator = 0.1 (0), lr_decay = 0 (torch), and the common options of sgd
---@return lossdbg.Optimizer
function M.adagrad(given)
  local made = optimizer.new(kinds.adagrad, given)
  return made
end

---Adadelta.
---@param given? table lr = 0.001 (torch 1), rho = 0.95 (0.9), epsilon = 1e-7 (1e-6), and the
---  common options
---@return lossdbg.Optimizer
function M.adadelta(given)
  local made = optimizer.new(kinds.adadelta, given)
  return made
end

---Adamax.
---@param given? table lr = 0.001 (torch 0.002), beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7
---  (1e-8), and the common options
---@return lossdbg.Optimizer
function M.adamax(given)
  local made = optimizer.new(kinds.adamax, given)
  return made
end

---Nadam.
---@param given? table lr = 0.001 (torch 0.002), beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7
---  (1e-8), momentum_decay = 0.004 (torch), and the common options
---@return lossdbg.Optimizer
function M.nadam(given)
  local made = optimizer.new(kinds.nadam, given)
  return made
end

---RAdam (PyTorch).
---@param given? table lr = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, and the common
---  options
---@return lossdbg.Optimizer
function M.radam(given)
  local made = optimizer.new(kinds.radam, given)
  return made
end

---Lion (Keras).
---@param given? table lr = 0.001, beta1 = 0.9, beta2 = 0.99, and the common options
---@return lossdbg.Optimizer
function M.lion(given)
  local made = optimizer.new(kinds.lion, given)
  return made
end

---LAMB (Keras).
---@param given? table lr = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, and the common
---  options
---@return lossdbg.Optimizer
function M.lamb(given)
  local made = optimizer.new(kinds.lamb, given)
  return made
end

---Adafactor.
---@param given? table lr = 0.001 (torch 0.01), beta2_decay = -0.8, epsilon_1 = 1e-30 (the
---  resolution of the dtype), epsilon_2 = 0.001, clip_threshold = 1, and the common options
---@return lossdbg.Optimizer
function M.adafactor(given)
  local made = optimizer.new(kinds.adafactor, given)
  return made
end

---An optimiser from a name, a table { name = "adam", lr = 1e-3 } or { "adam", lr = 1e-3 }, what
---describe() returned, or an optimiser, which is returned as it is.
---@param value any
---@param where? string function named in messages
---@return lossdbg.Optimizer
function M.resolve(value, where)
  if optimizer.is_optimizer(value) then return value end
  local given, name = {}, value
  if type(value) == "table" then
    name = value.name or value[1]
    for key, item in pairs(value) do
      if key ~= "name" and key ~= 1 and key ~= "schedule" then given[key] = item end
    end
    local schedule = value.schedule
    if type(schedule) == "table" and schedule.name ~= "constant" and schedule.name ~= "custom" then
      given.schedule = schedule
    end
  end
  if where ~= nil and type(where) ~= "string" then
    options.fail("optim.resolve", "where", "a string", where, nil, source.level())
  elseif type(name) ~= "string" then
    options.fail(where or "optim", "optimizer", "an optimiser or its name", value,
      "for example ld.optim.sgd { lr = 0.1 }", source.level())
  elseif not kinds[name] then
    error(("lossdbg: %s: unknown optimiser %s%s"):format(where or "optim", options.show(name),
      options.hint(name, names)), source.level())
  end
  local schedule = given.schedule
  given.schedule = nil
  local made = optimizer.new(kinds[name], given)
  return schedule and M.scheduled(made, schedule) or made
end

local function check_table(where, name, value)
  if type(value) ~= "table" then
    options.fail(where, name, "a table of options", value, nil, source.level())
  end
end

---A copy whose rate follows a schedule: a function of the step, a schedule object, its plain data
---{ name = "cosine", ... }, a number, or a reduce_on_plateau object.
---@param given any optimiser or its name
---@param schedule any
---@return lossdbg.Optimizer
function M.scheduled(given, schedule)
  local base = M.resolve(given, "optim.scheduled")
  local made = base:clone()
  rawset(made, "rate", rates.follow(base.rate, schedule, source.level()))
  return made
end

---A copy with other options: `with(optimizer, { lr = 0.01 })`; { name = "adam" }: another kind.
---@param given any optimiser or its name
---@param changes table
---@param where? string function named in messages
---@return lossdbg.Optimizer
function M.with(given, changes, where)
  local base = M.resolve(given, where)
  check_table(where or "optim.with", "changes", changes)
  if changes.name and changes.name ~= base.name then return M.resolve(changes, where) end
  local copy = {}
  for key, value in pairs(changes) do
    if key ~= "name" then copy[key] = value end
  end
  local made = base:clone(copy)
  if base.rate.plateau and copy.lr == nil and copy.learning_rate == nil then
    return M.scheduled(made, base.rate.plateau)
  end
  return made
end

---A fresh optimiser with the options of another, attached to parameters.
---@param given any optimiser or its name
---@param parameters any as :attach takes them
---@param overrides? table schedule, clip_norm, clip_value, global_clip_norm
---@return lossdbg.Optimizer
function M.bind(given, parameters, overrides)
  local base, changes, schedule = M.resolve(given, "optim.bind"), {}, nil
  check_table("optim.bind", "overrides", overrides or {})
  for key, value in pairs(overrides or {}) do
    if key == "schedule" then schedule = value else changes[key] = value end
  end
  local made = M.with(base, changes)
  if schedule then made = M.scheduled(made, schedule) end
  return made:attach(parameters)
end

---An optimiser as plain data, under a schedule when one is given.
---@param given any optimiser or its name
---@param schedule? any
---@return table { name, lr, flavor, ..., schedule = { name } }
function M.describe(given, schedule)
  local made = M.resolve(given, "optim.describe")
  if schedule then made = M.scheduled(made, schedule) end
  return made:describe()
end

return M
