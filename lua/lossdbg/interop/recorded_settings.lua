--- How a recorded program was trained: batch, epochs, weights of classes, callbacks, rates; read
-- from lossdbg.json where it was written, else worked out from the curves and told as a guess.
local json = require "lossdbg.support.json"

local M = {}

local KERAS_BATCH = 32 -- what fit takes when nobody says

local function known(value) return value ~= nil and value ~= json.null and value or nil end

-- ---- batch and epochs ---------------------------------------------------------------------------

-- Steps of an epoch from Keras' progress "15/15"; nil where the console does not show them.
local function steps_shown(console)
  local steps = (console or ""):gsub("Epoch %d+/%d+", "")
  for done, all in steps:gmatch "(%d+)/(%d+)" do
    if done == all then return tonumber(all) end
  end
end

-- The usual batch that gives so many steps: Keras' own, else a power of two; the least one where
-- the rows are enough for steps of Keras' own. Otherwise the rows are a part of the recorded ones.
local function batch_for(rows, steps)
  local function fits(batch) return (rows + batch - 1) // batch == steps end
  if fits(KERAS_BATCH) then return KERAS_BATCH end
  for power = 16, 0, -1 do
    if fits(1 << power) then return 1 << power end
  end
  local least = (rows + steps - 1) // steps
  return rows > steps * KERAS_BATCH and fits(least) and least or nil
end

-- With fewer rows than the recorded run had, more epochs make as many steps.
local function batch_and_epochs(files, o, fit, rows)
  local curve = files.history.loss
  local epochs = o.epochs or known(fit.epochs) or curve and #curve or 1
  local given, steps = o.batch or known(fit.batch_size), steps_shown(files.console)
  local batch = given or steps and batch_for(rows, steps) or KERAS_BATCH
  local here = (rows + batch - 1) // batch
  if given then
    steps = files.about and math.tointeger(files.about.steps)
    steps = steps and curve and steps // #curve
  elseif steps == here then
    files:note("batch %d: worked out from %d steps an epoch of %d rows", batch, steps, rows)
  else
    files:note("batch %d: what Keras takes when nobody says; --batch gives another", batch)
  end
  if steps and steps > here and not o.epochs then
    local more = (epochs * steps + here - 1) // here
    files:note("the data are a part: %d rows make %d steps of %d an epoch, the recorded run " ..
      "made %d; %d epochs instead of %d make as many", rows, here, batch, steps, more, epochs)
    epochs = more
  end
  return math.min(batch, rows), epochs
end

-- ---- callbacks ----------------------------------------------------------------------------------

local callbacks = {}

local function mode_of(config)
  local mode = known(config.mode)
  return (mode == "min" or mode == "max") and mode or "auto"
end

function callbacks.EarlyStopping(config, out)
  out.early_stopping = { monitor = known(config.monitor) or "val_loss",
    patience = known(config.patience) or 0, mode = mode_of(config),
    min_delta = math.abs(known(config.min_delta) or 0), baseline = known(config.baseline),
    restore_best = known(config.restore_best_weights) or false,
    start_from = known(config.start_from_epoch) or 0 }
end

function callbacks.ReduceLROnPlateau(config, out)
  local callback = require "lossdbg.train.callback"
  table.insert(out.callbacks, callback.reduce_on_plateau {
    monitor = known(config.monitor) or "val_loss", factor = known(config.factor),
    patience = known(config.patience), min_delta = known(config.min_delta), mode = mode_of(config),
    cooldown = known(config.cooldown), min_lr = known(config.min_lr) })
  out.rates_known = true
end

-- Without an effect on the training, or done by fit itself.
local silent = { History = true, ProgbarLogger = true, Recorder = true, CSVLogger = true,
  TensorBoard = true, ModelCheckpoint = true, TerminateOnNaN = true, BackupAndRestore = true,
  LearningRateScheduler = true }

local function read_callbacks(files, fit, out)
  out.callbacks = {}
  for _, one in ipairs(known(fit.callbacks) or {}) do
    local read = callbacks[one.class_name]
    if read then
      read(type(one.config) == "table" and one.config or {}, out)
    elseif not silent[one.class_name] then
      files:note("the callback %s is not known here and was left out", tostring(one.class_name))
    end
  end
end

-- Rates that were set from outside: those of the epochs as they were recorded.
local function read_rates(files, out)
  local rates = files.history.learning_rate or files.history.lr
  if not rates or out.rates_known or type(files.program.optimizer.lr) ~= "number" then return end
  local same = true
  for _, rate in ipairs(rates) do same = same and rate == rates[1] end
  if same then return end
  files:note("the learning rate of every epoch is set as it was recorded")
  table.insert(out.callbacks, require("lossdbg.train.callback").schedule(function(epoch, lr)
    return rates[epoch + 1] or lr
  end))
end

-- ---- all of it ----------------------------------------------------------------------------------

local function class_weight(fit)
  local given, out = known(fit.class_weight), nil
  for id, weight in pairs(type(given) == "table" and given or {}) do
    out = out or {}
    out[math.tointeger(tonumber(id)) or id] = weight
  end
  return out
end

-- Keras on TensorFlow computes cross-entropies from the logits of any softmax or sigmoid that it
-- sees; on the other backends it clips the probabilities instead.
local function fusing(files, o)
  if files.framework ~= "keras" then return true end
  local backend = o.backend or (files.about and known(files.about.backend))
  if not backend then
    files:note("backend tensorflow: nothing says which; it computes cross-entropies from logits")
  end
  return (backend or "tensorflow") == "tensorflow" and "any" or false
end

---Options of the experiment.
---@param files lossdbg.Recording
---@param o table options of recorded_program
---@return table
function M.of(files, o)
  local fit = files.about and known(files.about.fit) or {}
  local x = files.data.x
  local rows = (type(x) == "table" and x[1] or x).shape[1]
  local batch, epochs = batch_and_epochs(files, o, fit, rows)
  local out = { train = files.data, val = files.val, seed = o.seed, fuse = fusing(files, o),
    batch = batch, epochs = epochs, class_weight = class_weight(fit) }
  if fit.shuffle == false then out.shuffle = false end
  read_callbacks(files, fit, out)
  if files.program.optimizer then read_rates(files, out) end
  out.rates_known = nil
  return out
end

return M
