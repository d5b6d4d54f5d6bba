--- The training loop of experiments: epochs, batches, steps, validation, callbacks, and what is
-- measured on the way. The same seed gives the same bits.
local callback = require "lossdbg.train.callback"
local checkpoint = require "lossdbg.train.checkpoint"
local evaluate = require "lossdbg.train.evaluate"
local fit_data = require "lossdbg.train.fit_data"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local upper = require "lossdbg.support.upper"
local steps = require "lossdbg.train.train_step"

local M = {}

local schema = options.declare "fit" {
  { name = "verbose", type = "integer|boolean", doc = "0: silent; default: only on a terminal" },
  { name = "epochs", type = "integer", min = 1, doc = "default: those of the experiment" },
  { name = "max_steps", type = "integer", min = 1, doc = "ends the training earlier" },
  { name = "on_step", type = "callable", doc = "fn(ctx) after every step; false stops" },
  { name = "callbacks", type = "table", doc = "besides those of the experiment" },
  { name = "telemetry", type = "boolean", default = true,
    doc = "false: no probes at start and end, no statistics of steps" },
  { name = "plan", type = "boolean", default = true,
    doc = "false: every step runs eagerly, never replayed from a plan" },
  { name = "stream", type = "any", doc = "where progress is written; default io.stderr" },
  { name = "contracts", type = "table", default = {}, doc = "of one's own: ld.contract { … }" },
  { name = "resume", type = "string", doc = "path of a checkpoint to go on from" },
}

-- true and nil: show on terminals only where nobody asked.
local function progress_of(recipe, given, epochs, n_steps)
  local verbose = given.verbose
  if verbose == nil then verbose = recipe.verbose end
  if verbose == false or verbose == 0 then return nil end
  local progress = upper.progress
  if verbose == nil and not (io and progress.is_terminal(given.stream or io.stderr)) then
    return nil
  end
  return progress.new { epochs = epochs, steps = n_steps, stream = given.stream }
end

local function new_run(experiment, model)
  local description = experiment:description()
  return upper.run.new {
    description = description, history = { loss = {}, lr = {} }, n_epochs = 0, n_steps = 0,
    steps = {}, signals = {}, stopped = "completed", seed = description.seed, model = model,
    name = description.name,
  }
end

local function callbacks_of(recipe, given)
  local list = {}
  for _, item in ipairs(recipe.callbacks) do list[#list + 1] = item end
  local more = callback.internal.check(given.callbacks, "fit")
  table.move(more, 1, #more, #list + 1, list)
  local stop = recipe.early_stopping
  if stop then
    list[#list + 1] = callback.early_stopping(stop ~= true and stop or nil)
  end
  return list
end

---@class lossdbg.Session  the state of one fit
---@field experiment lossdbg.Experiment
---@field recipe table
---@field prepared table
---@field model lossdbg.Model
---@field judge lossdbg.Judge
---@field optimizer table
---@field recorder lossdbg.Recorder
---@field run lossdbg.Run
---@field plan lossdbg.PlannedSteps
---@field context table of the forward pass
---@field held table[] parameters that the optimiser holds
---@field penalised boolean the loss has terms besides that of the data; activity: those of the step
---@field epoch integer epochs: how many; epoch, batch and step: the ones at work
---@field step integer first, last: its rows; order: row numbers of the epoch; lr: its rate
---@field totals { loss: number, data: number, n: integer } sums of the epoch
---@field broken boolean the loss of the step was not finite
---@field output any what metrics look at; output_keys: of several outputs
---@field attend table|nil who asks the contracts of a training, from above
---@field callbacks table[] on_step, progress, telemetry, max_steps, eager: as given to fit
local function start(experiment, given, attend)
  local recipe, prepared = experiment.recipe, experiment:prepared()
  local model = experiment:build()
  local run = new_run(experiment, model)
  local n, epochs = prepared.train.n, given.epochs or recipe.epochs
  local session = {
    experiment = experiment, recipe = recipe, prepared = prepared, model = model, run = run,
    judge = experiment:judge(model), epochs = epochs, epoch = 0, step = 0,
    on_step = given.on_step, callbacks = callbacks_of(recipe, given),
    max_steps = given.max_steps or recipe.max_steps,
    n_batches = (n + recipe.batch - 1) // recipe.batch, telemetry = given.telemetry,
    eager = given.plan == false,
  }
  run.better = {}
  for _, metric in ipairs(session.judge.metrics) do run.better[metric.name] = metric.mode end
  steps.prepare(session)
  steps.plan(session)
  if attend and session.telemetry then session.attend = attend.new(session, given.contracts) end
  run.optimizer, run.target_scale = session.optimizer, prepared.scale
  run.save_checkpoint = function(_, path) return checkpoint.save(path, session) end
  session.progress = progress_of(recipe, given, epochs, session.n_batches)
  return session
end

-- What a hook answered: false stops, nothing goes on, and anything else was meant for something.
local function wants_stop(hook, answer)
  if answer == nil or answer == false then return answer == false end
  error(("lossdbg: fit: %s returned %s: return false to stop the training, nothing to go on")
    :format(hook, options.show(answer)), 0)
end

-- Calls a hook of every callback; true when one of them wants to stop.
local function call(session, hook, argument)
  local stop = false
  for _, item in ipairs(session.callbacks) do
    local fn = item[hook]
    if fn then stop = wants_stop("callback: " .. hook, fn(item, session.run, argument)) or stop end
  end
  if stop and session.run.stopped == "completed" then session.run.stopped = "callback" end
  return stop
end

local function running(session)
  local totals = session.totals
  local logs = { loss = totals.loss / totals.n, lr = session.lr }
  if totals.has_penalty then logs.data_loss = totals.data / totals.n end
  for _, metric in ipairs(session.judge.metrics) do logs[metric.name] = metric:value() end
  return logs
end

-- The batch of the last step, for those who ask.
local function batch_of(session, order)
  return fit_data.batch(session.prepared.train, order, session.first, session.last)
end

local function after_step(session, loss, order, x, y)
  local run, stop = session.run, false
  run.n_steps = session.step
  if session.attend then session.attend:step(loss, order, x, y) end
  if session.progress then
    session.progress:batch(session.epoch, session.batch, running(session))
  end
  if session.on_step then
    if not x then x, y = batch_of(session, order) end
    local ctx = { run = run, step = session.step, epoch = session.epoch, loss = loss,
      model = session.model, optimizer = session.optimizer, lr = session.lr, x = x, y = y }
    if wants_stop("on_step", session.on_step(ctx)) then
      run.stopped, stop = "callback", true
    end
  end
  if #session.callbacks > 0 then
    local logs = { loss = loss, step = session.step, epoch = session.epoch, lr = session.lr }
    stop = call(session, "on_step_end", logs) or stop
  end
  if session.attend then session.attend:hooked() end
  if (loss ~= loss or math.abs(loss) == math.huge) and session.recipe.terminate_on_nan then
    run.stopped, stop = "nonfinite_loss", true
  elseif session.max_steps and session.step >= session.max_steps and not stop then
    run.stopped, stop = "max_steps", true
  end
  return stop
end

local function run_batches(session)
  local recipe, rows = session.recipe, session.prepared.train
  local order = recipe.shuffle and fit_data.order(rows.n, recipe.seed, session.epoch) or nil
  session.totals = { loss = 0, data = 0, n = 0 }
  for _, metric in ipairs(session.judge.metrics) do metric:reset() end
  local first = 1
  while first <= rows.n do
    session.first, session.last = first, math.min(first + recipe.batch - 1, rows.n)
    session.step, session.order = session.step + 1, order
    local done, loss, x, y = steps.run(session, order)
    session.batch = (first - 1) // recipe.batch + done
    first = first + done * recipe.batch
    if after_step(session, loss, order, x, y) then return true end
  end
  return false
end

local function validate(session, logs)
  local rows = session.prepared.val
  if not rows then return end
  if session.attend then session.attend:enter() end
  local loss, metrics, data = evaluate.rows(session.model, rows, session.judge,
    math.max(session.recipe.batch, 256))
  logs.val_loss = loss
  if logs.data_loss then logs.val_data_loss = data end
  for name, value in pairs(metrics) do logs["val_" .. name] = value end
  if session.attend then session.attend:validated() end
end

local function remember(run, logs)
  run.n_epochs = run.n_epochs + 1
  for name, value in pairs(logs) do
    run.history[name] = run.history[name] or {}
    run.history[name][run.n_epochs] = value
  end
end

local function run_epoch(session, epoch)
  session.epoch, session.run.epoch = epoch, epoch
  call(session, "on_epoch_begin", epoch)
  local stop = run_batches(session)
  local logs = running(session)
  validate(session, logs)
  remember(session.run, logs)
  if session.progress then session.progress:epoch(epoch, logs) end
  steps.end_of_epoch(session, logs)
  logs.epoch = epoch
  return call(session, "on_epoch_end", logs) or stop
end

local function finish(session, started)
  local run, record = session.run, session.recorder
  run.planned = { steps = session.plan.replayed, reason = session.plan.reason }
  run.steps = { loss = record.loss, grad_norm = record.grad_norm, lr = record.lr,
    update_ratio = record.update_ratio }
  local signals = run.signals
  signals.layers, signals.grad_norm, signals.loss = record:signals(), record.grad_norm, record.loss
  signals.outputs = record:output_signals()
  signals.epoch_loss, signals.val_loss = run.history.loss, run.history.val_loss
  signals.steps = run.n_steps
  for _, name in ipairs { "accuracy", "val_accuracy" } do
    local list = run.history[name]
    if list then signals[name] = list[#list] end
  end
  signals.contracts = session.attend and session.attend:report()
  session.optimizer:finalize()
  call(session, "on_train_end")
  run.save_checkpoint = nil
  if session.telemetry then require("lossdbg.train.telemetry").at_end(session) end
  if started and os and os.clock then run.seconds = os.clock() - started end
  run.epoch = nil
end

---Trains. What `experiment:fit` does. With `resume`, goes on from a checkpoint of the same
---experiment; nil and a message when it cannot be read or belongs to another one.
---@param experiment lossdbg.Experiment
---@param given table|nil
---@param attend? { new: fun(session: lossdbg.Session, contracts: table): table } asks contracts
---@return lossdbg.Run
function M.fit(experiment, given, attend)
  local checked = options.check("fit", given, schema, source.level())
  local started = os and os.clock and os.clock()
  local session = start(experiment, checked, attend)
  if session.telemetry then require("lossdbg.train.telemetry").at_start(session) end
  call(session, "on_train_begin")
  local done = 0
  if checked.resume then
    local why
    done, why = checkpoint.restore(checked.resume, session)
    if not done then
      session.run.save_checkpoint = nil
      return nil, why
    end
  end
  local ok, message = pcall(function()
    for epoch = done + 1, session.epochs do
      if run_epoch(session, epoch) then break end
    end
  end)
  if session.progress then session.progress:close() end
  if not ok then
    if session.attend then session.attend:close() end
    for _, item in ipairs(session.callbacks) do -- files of callbacks are closed even now
      if item.on_train_end then pcall(item.on_train_end, item, session.run) end
    end
    error(message, 0)
  end
  finish(session, started)
  return session.run
end

return M
