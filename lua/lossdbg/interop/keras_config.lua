--- What Keras writes for an object, { "class_name": "HeNormal", "config": { ... } } (Keras 2) with
-- "module" and "registered_name" beside it (Keras 3), as plain names and options: initialisers,
-- regularisers, activations, losses, optimisers, schedules, metrics.
local json = require "lossdbg.support.json"
local number = require "lossdbg.support.number"
local options = require "lossdbg.support.options"

local M = {}

function M.fail(where, key, expected, value)
  error(("lossdbg: interop.keras: %s: '%s': expected %s, got %s"):format(where, key, expected,
    options.show(value)), 0)
end

--- Without the keys that hold null.
---@param object table
---@return table
function M.without_nulls(object)
  local out = {}
  for key, value in pairs(object) do
    if value ~= json.null then out[key] = value end
  end
  return out
end

--- "MaxPooling2D" -> "max_pooling2d", "SimpleRNN" -> "simple_rnn".
---@param name string
---@return string
function M.snake(name)
  return (name:gsub("(%d)D", "%1d"):gsub("(%l)(%u)", "%1_%2"):gsub("(%u)(%u%l)", "%1_%2"):lower())
end

local function is_object(value)
  return type(value) == "table" and type(value.class_name) == "string"
end

-- Class name and options; functions of Keras 3 are { class_name = "function", config = "relu" }.
local function open(value, where, key)
  if type(value) == "string" then return value, {} end
  if is_object(value) then
    if value.class_name == "function" then return tostring(value.config), {} end
    local config = type(value.config) == "table" and value.config or {}
    return value.class_name, M.without_nulls(config)
  end
  M.fail(where, key, "a name or an object with class_name", value)
end

--- The shortest number with the same value in 32 bits: Keras keeps rates so, 0.05000000074505806.
---@param x number
---@return number
function M.rate(x)
  if type(x) ~= "number" or x ~= x or math.abs(x) > 1e30 then return x end
  local bits = string.pack("<f", x)
  for digits = 1, 9 do
    local short = tonumber(number.raw("%." .. digits .. "g", x))
    if string.pack("<f", short) == bits then return short end
  end
  return x
end

---@return string|table|nil
function M.initializer(value, where, key)
  if value == nil then return nil end
  local name, config = open(value, where, key)
  config.name, config.seed, config.input_axes, config.output_axes = M.snake(name), nil, nil, nil
  config.dtype = nil
  return config
end

local constraints = { max_norm = "max_value", min_max_norm = "min_value max_value rate",
  unit_norm = "", non_neg = "" }

--- Keras counts axes of weights from 0, we from 1.
---@return table|nil
function M.constraint(value, where, key)
  if value == nil then return nil end
  local name, config = open(value, where, key)
  name = M.snake(name)
  if not constraints[name] then
    M.fail(where, key, "MaxNorm, MinMaxNorm, UnitNorm or NonNeg", name)
  end
  local out = { name = name }
  for option in constraints[name]:gmatch "%S+" do out[option] = config[option] end
  if name == "non_neg" then return out end
  local axis = config.axis or 0
  if type(axis) == "table" then
    out.axis = {}
    for i, one in ipairs(axis) do out.axis[i] = one + 1 end
  else
    out.axis = axis >= 0 and axis + 1 or axis
  end
  return out
end

local penalties = { l1 = true, l2 = true, l1l2 = true, l1_l2 = true }

---@return { l1: number, l2: number }|nil
function M.regularizer(value, where, key)
  if value == nil then return nil end
  local name, config = open(value, where, key)
  if not penalties[name:lower()] then M.fail(where, key, "L1, L2 or L1L2", name) end
  return { l1 = M.rate(config.l1 or (name:lower() == "l1" and 0.01 or 0)),
    l2 = M.rate(config.l2 or (name:lower() == "l2" and 0.01 or 0)) }
end

local activations = { leaky_re_lu = "leaky_relu", re_lu = "relu" }

---@return string|table|nil
function M.activation(value, where, key)
  if value == nil then return nil end
  local name, config = open(value, where, key)
  if type(value) == "string" or value.class_name == "function" then return name end
  name = M.snake(name)
  return { name = activations[name] or name, axis = config.axis, alpha = config.alpha,
    slope = config.negative_slope }
end

--- Our layers compute in the dtype of the model; what was made for 32 or 64 bits is understood.
function M.check_dtype(value, where)
  local name = type(value) == "table" and type(value.config) == "table" and value.config.name
    or value
  if name ~= "float32" and name ~= "float64" and name ~= "int32" and name ~= "int64" then
    M.fail(where, "dtype", "float32 or float64", name)
  end
end

-- ---- loss and metrics --------------------------------------------------------------------------

local losses = { kldivergence = "kl_divergence", kl_divergence = "kl_divergence",
  ["mean_squared_error"] = "mse", ["mean_absolute_error"] = "mae" }

---@param value any the loss of a compile_config
---@return table|nil { name, from_logits, label_smoothing, reduction, delta }
function M.loss(value)
  if value == nil then return nil end
  local where = "compile_config"
  if type(value) == "table" and not is_object(value) then
    local keys, only = 0, nil
    for _, one in pairs(value) do keys, only = keys + 1, one end
    if keys ~= 1 then M.fail(where, "loss", "one loss for one output", keys .. " losses") end
    return M.loss(only)
  end
  local name, config = open(value, where, "loss")
  name = type(value) == "string" and value:lower() or M.snake(name)
  local reduction = config.reduction
  if reduction == "auto" or reduction == "mean" then reduction = "sum_over_batch_size" end
  local smoothing = config.label_smoothing
  return { name = losses[name] or name, from_logits = config.from_logits or nil,
    label_smoothing = smoothing and smoothing ~= 0 and smoothing or nil, reduction = reduction,
    delta = config.delta }
end

local metrics = { accuracy = true, acc = true, binary_accuracy = true, mse = true, mae = true,
  rmse = true, r2 = true, mean_squared_error = true, mean_absolute_error = true,
  root_mean_squared_error = true }
local accuracies = { categorical_accuracy = "categorical", sparse_categorical_accuracy = "sparse" }

local function add_metric(value, into, ignored)
  if type(value) == "table" and not is_object(value) then
    for _, one in pairs(value) do add_metric(one, into, ignored) end
    return
  end
  local name, config = open(value, "compile_config", "metrics")
  if type(config.name) == "string" then name = config.name end
  name = M.snake(name)
  if metrics[name] then
    into[#into + 1] = name == "acc" and "accuracy" or name
  elseif accuracies[name] then
    into[#into + 1] = { name = "accuracy", kind = accuracies[name] }
  elseif name ~= "loss" then
    ignored[#ignored + 1] = "metric " .. name
  end
end

--- The metrics that exist here; the names of the others are added to `ignored`, for they change no
--- training.
---@param value any
---@param ignored string[]
---@return any[]|nil
function M.metrics(value, ignored)
  local list = {}
  if value ~= nil then add_metric(value, list, ignored) end
  return #list > 0 and list or nil
end

-- ---- optimiser ---------------------------------------------------------------------------------

local same = { momentum = "momentum", nesterov = "nesterov", rho = "rho", epsilon = "epsilon",
  centered = "centered", amsgrad = "amsgrad", weight_decay = "weight_decay", beta_1 = "beta1",
  beta_2 = "beta2", clipnorm = "clip_norm", clipvalue = "clip_value",
  global_clipnorm = "global_clip_norm", initial_accumulator_value = "initial_accumulator" }
-- Optimisers without weight averages, accumulation and scaled losses: their switches must be off.
local off = { use_ema = false, gradient_accumulation_steps = 1 }
local silent = { name = true, learning_rate = true, lr = true, ema_momentum = true, decay = true,
  ema_overwrite_frequency = true, loss_scale_factor = true, jit_compile = true,
  is_legacy_optimizer = true }

local schedules = {
  exponential_decay = { "exponential", { initial_learning_rate = "lr", decay_steps = "steps",
    decay_rate = "rate", staircase = "staircase" } },
  inverse_time_decay = { "inverse_time", { initial_learning_rate = "lr", decay_steps = "steps",
    decay_rate = "rate", staircase = "staircase" } },
  polynomial_decay = { "polynomial", { initial_learning_rate = "lr", decay_steps = "steps",
    end_learning_rate = "end_lr", power = "power", cycle = "cycle" } },
  cosine_decay = { "cosine", { initial_learning_rate = "lr", decay_steps = "steps", alpha = "alpha",
    warmup_steps = "warmup_steps", warmup_target = "warmup_target" } },
  cosine_decay_restarts = { "cosine_restarts", { initial_learning_rate = "lr",
    first_decay_steps = "steps", t_mul = "t_mul", m_mul = "m_mul", alpha = "alpha" } },
  piecewise_constant_decay = { "piecewise", { boundaries = "boundaries", values = "values" } },
}

local function schedule(value)
  local name, config = open(value, "optimizer", "learning_rate")
  local known = schedules[M.snake(name)]
  if not known then M.fail("optimizer", "learning_rate", "a schedule of Keras", name) end
  local out = { name = known[1] }
  for theirs, ours in pairs(known[2]) do
    local given = config[theirs]
    if type(given) == "table" then given = table.move(given, 1, #given, 1, {}) end
    out[ours] = given
  end
  return out
end

--- { name, lr, ... } or with a schedule; nil when nothing was compiled.
---@param value any the optimizer of a compile_config
---@return table|nil optimizer
function M.optimizer(value)
  if value == nil then return nil end
  local name, config = open(value, "compile_config", "optimizer")
  local out = { name = name:lower() }
  local rate = config.learning_rate or config.lr
  if type(rate) == "table" then
    local made = schedule(rate)
    out.lr = require("lossdbg.optim.schedule").from(made)
  elseif type(config.decay) == "number" and config.decay > 0 then -- Keras 2: lr / (1 + decay step)
    local inverse_time = require("lossdbg.optim.schedule").inverse_time
    out.lr = inverse_time { M.rate(rate), 1, M.rate(config.decay) }
  else
    out.lr = M.rate(rate)
  end
  for key, given in pairs(config) do
    if same[key] then
      out[same[key]] = M.rate(given)
    elseif off[key] ~= nil then
      if given ~= off[key] then M.fail("optimizer", key, options.show(off[key]), given) end
    elseif not silent[key] then
      M.fail("optimizer", key, "a key that is known for optimisers", given)
    end
  end
  return out
end

return M
