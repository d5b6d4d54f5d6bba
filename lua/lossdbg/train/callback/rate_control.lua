--- Callbacks that set the learning rate between epochs: schedule and reduce_on_plateau.
local options = require "lossdbg.support.options"
local plateau = require "lossdbg.optim.schedule.reduce_on_plateau"
local schedules = require "lossdbg.optim.schedule"
local source = require "lossdbg.support.source"

local M = {}

local schedule_schema = options.declare "callback.schedule" {
  { name = "schedule", positional = 1, required = true, type = "callable|table|number",
    doc = "fn(epoch, lr) -> lr, epoch = 0, 1, ..., or a schedule of the epoch" },
}

---Sets the rate at the start of every epoch (Keras' LearningRateScheduler): from a function of the
---epoch, which counts from 0 as in Keras, and the rate so far; or from a schedule of the epoch.
---@param given function|table|number
---@return lossdbg.Callback
function M.schedule(given)
  if type(given) == "table" and (getmetatable(given) or given.name) then given = { given } end
  local fn = options.check("callback.schedule", given, schedule_schema, source.level()).schedule
  if type(fn) == "table" and not getmetatable(fn) then fn = schedules.from(fn) end
  if type(fn) == "number" then fn = schedules.constant(fn) end
  return {
    on_epoch_begin = function(_, run, epoch)
      local lr = fn(epoch - 1, run.optimizer.lr)
      if not (type(lr) == "number" and lr >= 0 and lr < math.huge) then
        options.fail("callback.schedule", "schedule", "a finite rate >= 0", lr,
          "epoch " .. epoch, source.level())
      end
      run.optimizer.lr = lr
    end,
  }
end

---Lowers the rate when a metric stops improving; options as schedule.reduce_on_plateau.
---@param given? table
---@return lossdbg.Callback
function M.reduce_on_plateau(given)
  local checked = plateau.new(given).options
  local state
  return {
    on_train_begin = function() state = plateau.new(checked) end,
    on_epoch_end = function(_, run, logs)
      local monitor = state.options.monitor
      local metric = logs[monitor] or (monitor == "val_loss" and logs.loss) or nil
      if type(metric) ~= "number" then return end
      local lr, reduced = state:epoch(metric, run.optimizer.lr)
      if reduced then run.optimizer.lr = lr end
    end,
  }
end

return M
