--- Callbacks of fit. A callback is any table with some of these functions, called as methods:
-- on_train_begin(run), on_epoch_begin(run, epoch), on_step_end(run, logs), on_epoch_end(run, logs),
-- on_train_end(run). Epochs and steps count from 1. Returning false from a *_end stops the
-- training.
local csv_log = require "lossdbg.train.callback.csv_log"
local metric = require "lossdbg.metric"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

---@class lossdbg.Callback
---@field on_train_begin? fun(self, run: lossdbg.Run)
---@field on_epoch_begin? fun(self, run: lossdbg.Run, epoch: integer)
---@field on_step_end? fun(self, run: lossdbg.Run, logs: table<string, number>): boolean|nil
---@field on_epoch_end? fun(self, run: lossdbg.Run, logs: table<string, number>): boolean|nil
---@field on_train_end? fun(self, run: lossdbg.Run)

-- "min" or "max" for a monitored name.
local function direction(mode, monitor, where)
  if mode ~= "auto" then return mode end
  local found = metric.direction(monitor)
  if found then return found end
  error(("lossdbg: %s: argument 'mode': the better direction of '%s' is unknown: pass mode = " ..
    "\"min\" or \"max\""):format(where, monitor), source.level())
end

-- What is watched for and never measured would be waited for in vain.
local function monitored(where, name, logs)
  if logs[name] ~= nil then return logs[name] end
  local known = {}
  for other in pairs(logs) do
    if other ~= "epoch" and other ~= "step" then known[#known + 1] = other end
  end
  table.sort(known)
  local without = name:find("^val_") and not logs.val_loss
  local cause = without and " (the experiment has no val rows)" or ""
  error(("lossdbg: %s: argument 'monitor': nothing measures '%s'%s%s"):format(where, name, cause,
    options.hint(name, known)), 0)
end

local stop_schema = options.declare "callback.early_stopping" {
  { name = "monitor", type = "string", default = "val_loss", positional = 1,
    doc = "metric that is watched" },
  { name = "patience", type = "integer", min = 0, default = 0,
    doc = "epochs without improvement before it stops" },
  { name = "min_delta", type = "number", min = 0, default = 0,
    doc = "smaller changes are no improvement" },
  { name = "mode", type = "string", choices = { "auto", "min", "max" }, default = "auto",
    doc = "whether smaller or larger is better; default: by the metric" },
  { name = "baseline", type = "number", doc = "improvement counts only beyond this value" },
  { name = "restore_best", type = "boolean", alias = "restore_best_weights", default = false,
    doc = "end with the weights of the best epoch" },
  { name = "start_from", type = "integer", alias = "start_from_epoch", min = 0, default = 0,
    doc = "epochs to wait before watching" },
}

local EarlyStopping = { __name = "lossdbg.early_stopping" }
EarlyStopping.__index = EarlyStopping

function EarlyStopping:on_train_begin()
  self.wait, self.best_epoch, self.stopped_epoch, self.state = 0, nil, nil, nil
  self.best = self.mode == "min" and math.huge or -math.huge
end

function EarlyStopping:improves(value, reference)
  if self.mode == "min" then return value < reference - self.min_delta end
  return value > reference + self.min_delta
end

function EarlyStopping:on_epoch_end(run, logs)
  local epoch, value = logs.epoch, monitored("callback.early_stopping", self.monitor, logs)
  if epoch <= self.start_from then return end
  if self.restore_best and not self.state then
    self.state, self.best_epoch = run.model:state(), epoch
  end
  self.wait = self.wait + 1
  if self:improves(value, self.best) then
    self.best, self.best_epoch = value, epoch
    if self.restore_best then self.state = run.model:state() end
    if self.baseline == nil or self:improves(value, self.baseline) then self.wait = 0 end
  elseif self.wait >= self.patience and epoch > 1 then
    self.stopped_epoch = epoch
    run.stopped = "early_stopping"
    return false
  end
end

function EarlyStopping:on_train_end(run)
  if self.restore_best and self.state then
    run.model:load_state(self.state)
    run.best_epoch = self.best_epoch
  end
  self.state = nil
end

function EarlyStopping:save_state()
  local weights = {}
  for _, entry in ipairs(self.state or {}) do weights[entry.name] = entry.tensor end
  return { wait = self.wait, best = self.best, best_epoch = self.best_epoch, weights = weights }
end

function EarlyStopping:load_state(state)
  self.wait, self.best, self.best_epoch = state.wait, state.best, state.best_epoch
  self.state = next(state.weights) and {} or nil
  for name, tensor in pairs(state.weights) do
    self.state[#self.state + 1] = { name = name, tensor = tensor }
  end
end

---Stops when a value has not improved for `patience` epochs (the rule of Keras).
---@param given? table monitor, patience, min_delta, mode, baseline, restore_best, start_from
---@return lossdbg.Callback
function M.early_stopping(given)
  local self = options.check("callback.early_stopping", given, stop_schema, source.level())
  self.mode = direction(self.mode, self.monitor, "callback.early_stopping")
  return setmetatable(self, EarlyStopping)
end

local checkpoint_schema = options.declare "callback.checkpoint" {
  { name = "path", type = "string", positional = 1, required = true,
    doc = "of the file; {epoch} in it becomes the number of the epoch" },
  { name = "save", type = "string", choices = { "best", "last", "every" }, default = "last",
    doc = "which epochs are kept" },
  { name = "every", type = "integer", min = 1, default = 1, doc = "epochs between two files" },
  { name = "monitor", type = "string", default = "val_loss", doc = "what best means" },
  { name = "mode", type = "string", choices = { "auto", "min", "max" }, default = "auto",
    doc = "whether smaller or larger is better; default: by the metric" },
}

local Checkpoint = { __name = "lossdbg.checkpoint" }
Checkpoint.__index = Checkpoint

function Checkpoint:on_train_begin() self.best = nil end

local function is_due(self, logs)
  if self.save ~= "best" then return logs.epoch % self.every == 0 end
  local value = monitored("callback.checkpoint", self.monitor, logs)
  if value ~= value then return false end
  local better = self.best == nil or (self.mode == "min" and value < self.best)
    or (self.mode == "max" and value > self.best)
  if better then self.best = value end
  return better
end

function Checkpoint:on_epoch_end(run, logs)
  if not is_due(self, logs) then return end
  local path = self.path:gsub("{epoch}", tostring(logs.epoch))
  local ok, why = run:save_checkpoint(path)
  if not ok then error("lossdbg: callback.checkpoint: " .. why, 0) end
end

function Checkpoint:save_state() return { best = self.best } end

function Checkpoint:load_state(state) self.best = state.best end

---Saves the whole state of a training at the end of epochs; fit { resume = path } goes on from it.
---@param given string|table path, save ("last", "best", "every"), every, monitor, mode
---@return lossdbg.Callback
function M.checkpoint(given)
  local self = options.check("callback.checkpoint", given, checkpoint_schema, source.level())
  self.mode = self.save == "best" and direction(self.mode, self.monitor, "callback.checkpoint")
    or self.mode
  return setmetatable(self, Checkpoint)
end

---Stops after the first step whose loss is NaN or infinite. fit does so by itself.
---@return lossdbg.Callback
function M.terminate_on_nan()
  return {
    on_step_end = function(_, run, logs)
      if logs.loss ~= logs.loss or math.abs(logs.loss) == math.huge then
        run.stopped = "nonfinite_loss"
        return false
      end
    end,
  }
end

-- ---- CSV log ----------------------------------------------------------------------------------

M.csv_log = csv_log.new
M.csv_logger = M.csv_log
M.jsonl_log = require "lossdbg.train.callback.jsonl_log"
M.tensorboard = require("lossdbg.train.callback.tensorboard").new

for name, make in pairs(require "lossdbg.train.callback.rate_control") do M[name] = make end

-- ---- others -----------------------------------------------------------------------------------

local hook_schema = options.declare "callback.lambda" {
  { name = "on_train_begin", type = "callable", doc = "fn(run) before the first step" },
  { name = "on_epoch_begin", type = "callable", doc = "fn(run, epoch) before each epoch" },
  { name = "on_step_end", type = "callable", doc = "fn(run, logs) after each step" },
  { name = "on_epoch_end", type = "callable", doc = "fn(run, logs) after each epoch" },
  { name = "on_train_end", type = "callable", doc = "fn(run) after the last step" },
}
local hooks = {}
for i, hook in ipairs(hook_schema) do hooks[i] = hook.name end

---A callback from functions: `ld.callback.lambda { on_epoch_end = function(run, logs) ... end }`
---(the functions get no self). Every key must be a known hook.
---@param given table<string, function>
---@return lossdbg.Callback
function M.lambda(given)
  local self = {}
  for hook, fn in pairs(options.check("callback.lambda", given, hook_schema, source.level())) do
    self[hook] = function(_, ...) return fn(...) end
  end
  return self
end

---Checks a list of callbacks; a misspelt hook would never be called.
---@param list table|nil
---@param where string
---@return lossdbg.Callback[]
local function check(list, where)
  if list == nil then return {} end
  if type(list) ~= "table" or list.on_epoch_end then
    options.fail(where, "callbacks", "a list of callbacks", list, "{ callback }", source.level())
  end
  for i, item in ipairs(list) do
    local found = false
    for _, hook in ipairs(hooks) do
      found = found or (type(item) == "table" and item[hook] ~= nil)
    end
    if not found then
      error(("lossdbg: %s: argument 'callbacks': item %d has none of %s"):format(where, i,
        table.concat(hooks, ", ")), source.level())
    end
    if getmetatable(item) == nil then
      for key in pairs(item) do
        if type(key) == "string" and key:sub(1, 3) == "on_" and not (" " .. table.concat(hooks, " ")
          .. " "):find(" " .. key .. " ", 1, true) then
          error(("lossdbg: %s: argument 'callbacks': unknown hook '%s'%s"):format(where, key,
            options.hint(key, hooks)), source.level())
        end
      end
    end
  end
  return list
end

-- For other parts of the library.
M.internal = { check = check, number_text = csv_log.number_text }

return M
