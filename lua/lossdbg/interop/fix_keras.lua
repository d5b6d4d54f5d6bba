--- Patches as code of Keras: lines on a compiled `model`, its data `x`, `y` and its call of fit.
-- One row a kind of patch; a row takes the value of the patch and the context of fix_code.
local fix_keras_layers = require "lossdbg.interop.fix_keras_layers"
local literal = require "lossdbg.interop.fix_literal"

local python = literal.python
local rows = {}

-- ---- optimiser ----------------------------------------------------------------------------------

local optimizers = { sgd = "SGD", adam = "Adam", adamw = "AdamW", rmsprop = "RMSprop",
  adagrad = "Adagrad", adadelta = "Adadelta", adamax = "Adamax", nadam = "Nadam", lion = "Lion",
  lamb = "Lamb", adafactor = "Adafactor" }
local names = { lr = "learning_rate", learning_rate = "learning_rate", beta1 = "beta_1",
  beta2 = "beta_2", clip_norm = "clipnorm", clip_value = "clipvalue",
  global_clip_norm = "global_clipnorm", initial_accumulator = "initial_accumulator_value" }
for name in ("momentum nesterov rho epsilon centered amsgrad weight_decay"):gmatch "%S+" do
  names[name] = name
end

-- Compiles anew with something changed; the metrics stay those of the program.
local function compile(c, changed)
  local arguments = { optimizer = "model.optimizer", loss = "model.loss",
    metrics = python(c.recipe.metrics or {}) }
  for key, text in pairs(changed) do arguments[key] = text end
  local parts = {}
  for _, key in ipairs { "optimizer", "loss", "loss_weights", "metrics" } do
    if arguments[key] then parts[#parts + 1] = key .. "=" .. arguments[key] end
  end
  return "model.compile(" .. table.concat(parts, ", ") .. ")"
end

function rows.optimizer(value, c)
  if type(value) == "string" then value = { name = value } end
  local name = value.name or value[1]
  if name then
    if not optimizers[name] then return "# Keras has no optimiser " .. name end
    return compile(c, { optimizer = ("keras.optimizers.%s(%s)"):format(optimizers[name],
      literal.arguments(value, names)) })
  end
  local lines = {}
  for key, one in pairs(value) do
    if names[key] then
      lines[#lines + 1] = ("model.optimizer.%s = %s"):format(names[key], python(one))
    end
  end
  table.sort(lines)
  return table.concat(lines, "\n")
end

for _, key in ipairs { "clip_norm", "clip_value", "global_clip_norm" } do
  rows[key] = function(value)
    return ("model.optimizer.%s = %s"):format(names[key], python(value or nil))
  end
end

local schedules = {
  exponential = "ExponentialDecay({lr}, {steps}, {rate})",
  cosine = "CosineDecay({lr}, {steps})",
  polynomial = "PolynomialDecay({lr}, {steps}, {end_lr})",
  inverse_time = "InverseTimeDecay({lr}, {steps}, {rate})",
  piecewise = "PiecewiseConstantDecay({boundaries}, {values})",
}

function rows.schedule(value, c)
  if value == false then
    return "model.optimizer.learning_rate = " .. python(c.description.optimizer.lr)
  end
  if type(value) == "number" then return rows.optimizer { lr = value } end
  local form = type(value) == "table" and schedules[value.name or value[1]]
  if not form then return "# a schedule of Lua: give model.optimizer.learning_rate one of Keras" end
  return "model.optimizer.learning_rate = keras.optimizers.schedules." .. form:gsub("{([%w_]+)}",
    function(key)
      local given = value[key]
      if given == nil and key == "lr" then given = c.description.optimizer.lr end
      return python(given)
    end)
end

-- ---- loss and metrics ---------------------------------------------------------------------------

local losses = { mse = "MeanSquaredError", mae = "MeanAbsoluteError", huber = "Huber",
  binary_crossentropy = "BinaryCrossentropy", log_cosh = "LogCosh", hinge = "Hinge",
  sparse_crossentropy = "SparseCategoricalCrossentropy", kl = "KLDivergence",
  categorical_crossentropy = "CategoricalCrossentropy", poisson = "Poisson",
  mape = "MeanAbsolutePercentageError", msle = "MeanSquaredLogarithmicError",
  squared_hinge = "SquaredHinge", categorical_hinge = "CategoricalHinge",
  cosine_similarity = "CosineSimilarity", binary_focal = "BinaryFocalCrossentropy",
  categorical_focal = "CategoricalFocalCrossentropy" }
local loss_names = { from_logits = "from_logits", label_smoothing = "label_smoothing",
  delta = "delta", reduction = "reduction" }

function rows.loss(value, c)
  if type(value) == "table" and value.broadcast == false then
    return "y = y.reshape(len(y), -1)  # the shape of the prediction"
  end
  local given = {}
  if type(value) == "table" and not (value.name or value[1]) then
    for key, one in pairs(c.description.loss) do given[key] = one end
  end
  if type(value) ~= "table" then value = { name = value } end
  for key, one in pairs(value) do given[key] = one end
  local name = require("lossdbg.loss").resolve(given.name or given[1], "interop.fix_code").name
  if not losses[name] then return "# Keras has no loss " .. tostring(name) end
  if given.reduction == "mean" then given.reduction = "sum_over_batch_size" end
  if given.label_smoothing == 0 then given.label_smoothing = nil end
  if given.reduction == "sum_over_batch_size" then given.reduction = nil end
  if not given.from_logits and not c.description.loss.from_logits then given.from_logits = nil end
  return compile(c, { loss = ("keras.losses.%s(%s)"):format(losses[name],
    literal.arguments(given, loss_names)) })
end

function rows.loss_weights(value, c) return compile(c, { loss_weights = python(value) }) end

function rows.metrics(value, c)
  return compile(c, { metrics = python(value) })
end

-- ---- the call of fit ----------------------------------------------------------------------------

local function fit(c, changed)
  local arguments = { batch_size = c.description.batch, epochs = c.description.epochs }
  for key, value in pairs(changed) do arguments[key] = value end
  local parts = {}
  for key, value in pairs(arguments) do
    parts[#parts + 1] = key .. "=" .. (key == "callbacks" and value or python(value))
  end
  table.sort(parts)
  return "model.fit(x, y, " .. table.concat(parts, ", ") .. ")"
end

function rows.batch(value, c) return fit(c, { batch_size = value }) end
function rows.epochs(value, c) return fit(c, { epochs = value }) end
function rows.shuffle(value, c) return fit(c, { shuffle = value }) end
function rows.class_weight(value, c) return fit(c, { class_weight = value or nil }) end

function rows.max_steps(value, c)
  return fit(c, { steps_per_epoch = value or nil, epochs = value and 1 or nil })
end

local stop_names = { monitor = "monitor", patience = "patience", min_delta = "min_delta",
  mode = "mode", baseline = "baseline", restore_best = "restore_best_weights",
  start_from = "start_from_epoch" }

function rows.early_stopping(value, c)
  local given = type(value) == "table" and value or {}
  return fit(c, { callbacks = value and ("[keras.callbacks.EarlyStopping(%s)]"):format(
    literal.arguments(given, stop_names)) or "[]" })
end

function rows.terminate_on_nan(value, c)
  return fit(c, { callbacks = value and "[keras.callbacks.TerminateOnNaN()]" or "[]" })
end

function rows.seed(value) return ("keras.utils.set_random_seed(%s)"):format(python(value)) end

function rows.dtype(value)
  return ("keras.config.set_floatx(\"%s\")  # before the model is made"):format(
    value == "f64" and "float64" or "float32")
end

-- ---- data ---------------------------------------------------------------------------------------

function rows.target(value)
  if value == "as_is" then return "# the targets as they are" end
  return "mean, deviation = y.mean(axis=0), y.std(axis=0)\n" ..
    "y = (y - mean) / deviation  # predictions are then * deviation + mean"
end

local data = {
  drop_nonfinite = "keep = np.isfinite(x.reshape(len(x), -1)).all(1) & "
    .. "np.isfinite(y.reshape(len(y), -1)).all(1)\nx, y = x[keep], y[keep]",
  drop_outlying = "size = np.square(x.reshape(len(x), -1)).mean(1)\n"
    .. "keep = size <= 100 * np.median(size)\nx, y = x[keep], y[keep]",
  fill_gaps = "x = np.where(np.isfinite(x), x, np.nan)\n"
    .. "x = np.where(np.isnan(x), np.nan_to_num(np.nanmean(x, axis=0)), x)",
  pad_front = "def front(row, pad=x[0][-1]):\n    n = len(row) - np.argmax(row[::-1] != pad)\n"
    .. "    return np.concatenate([row[n:], row[:n]]) if (row != pad).any() else row\n"
    .. "x = np.stack([front(row) for row in x])",
  match_val = "axis = 0 if x.ndim == 2 else None  # rather prepare both as x was prepared\n"
    .. "x_val = (x_val - x_val.mean(axis)) / (x_val.std(axis) + 1e-12) * x.std(axis) "
    .. "+ x.mean(axis)",
  shuffle_split = "n, order = len(x), np.random.default_rng(0).permutation(len(x) + len(x_val))\n"
    .. "x_all, y_all = np.concatenate([x, x_val])[order], np.concatenate([y, y_val])[order]\n"
    .. "(x, x_val), (y, y_val) = np.split(x_all, [n]), np.split(y_all, [n])",
}

function rows.data(value) return "import numpy as np\n" .. data[value] end

local codes = {
  index = "y = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else np.unique(y, " ..
    "return_inverse=True)[1].reshape(len(y))",
  one_hot = "y = keras.utils.to_categorical(np.unique(y, return_inverse=True)[1].reshape(len(y)))",
  zero_one = "y = (y == y.max()).astype(\"float32\").reshape(len(y), 1)",
  plus_minus_one = "y = np.where(y == y.max(), 1.0, -1.0).reshape(len(y), 1)",
}

function rows.labels(value) return "import numpy as np\n" .. codes[value] end

-- ---- what Keras does by itself, or has no word for ----------------------------------------------

function rows.loop(value)
  if type(value) == "table" and value.reinitialise == false then
    return "# make the layers once, before the loop, not in it"
  end
  return "# in a loop of your own, for every batch:\n" ..
    "# with tf.GradientTape() as tape: loss = loss_fn(y_batch, model(x_batch, training=True))\n" ..
    "# gradients = tape.gradient(loss, model.trainable_variables)\n" ..
    "# model.optimizer.apply_gradients(zip(gradients, model.trainable_variables))\n" ..
    "model.fit(x, y)  # does all of it"
end

function rows.train() return "# give fit other training data: x, y" end
function rows.val() return "# give fit validation_data=(x_val, y_val)" end
function rows.model() return "# another model: build and compile it in place of `model`" end
function rows.callbacks() return "# callbacks of Lua have no counterpart in Keras" end
function rows.task() return "# Keras has no task: loss and metrics say it" end
function rows.fuse() return "# Keras on TensorFlow computes cross-entropies from logits" end
function rows.verbose(value, c) return fit(c, { verbose = value == true and 1 or value or 0 }) end
function rows.name(value) return "# name of the run: " .. tostring(value) end

for kind, row in pairs(fix_keras_layers) do rows[kind] = row end

return rows
