--- The callback that writes what fit measures as TensorBoard events, and a finished run as such.
local event_writer = require "lossdbg.train.callback.event_writer"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"

local M = {}

local schema = options.declare "callback.tensorboard" {
  { name = "path", type = "string", positional = 1, required = true, doc = "the run's folder" },
  { name = "histograms", type = "integer", min = 0, default = 0,
    doc = "of every weight, each so many epochs; 0: none" },
  { name = "every", type = "integer", min = 1, doc = "also the loss of every so many steps" },
}

-- "val_loss" -> "loss/val": both losses in one chart.
local function tag_of(name)
  local bare = name:match "^val_(.*)$"
  if name == "lr" then return "lr" end
  return bare and bare .. "/val" or name .. "/train"
end

local function plain_settings(description)
  local out = {}
  for _, name in ipairs { "batch", "epochs", "seed" } do out[name] = description[name] end
  local optimizer, loss = description.optimizer or {}, description.loss
  out.optimizer, out.lr = optimizer.name, optimizer.lr
  out.loss = type(loss) == "table" and loss.name or loss
  for name, value in pairs(out) do
    if type(value) ~= "number" and type(value) ~= "string" then out[name] = nil end
  end
  return out
end

local Tensorboard = { __name = "lossdbg.tensorboard" }
Tensorboard.__index = Tensorboard

function Tensorboard:on_train_begin(run)
  local writer, why = event_writer.open(self.path)
  if not writer then error("lossdbg: callback.tensorboard: " .. why, 0) end
  self.writer = writer
  if run and run.description then writer:hparams(plain_settings(run.description)) end
end

function Tensorboard:on_step_end(_, logs)
  if self.every and logs.step % self.every == 0 and logs.loss then
    self.writer:scalar("batch_loss", logs.loss, logs.step)
  end
end

local function write_weights(writer, model, epoch)
  for name, tensor in model:parameters() do writer:histogram(name, tensor, epoch) end
end

function Tensorboard:on_epoch_end(run, logs)
  local names = {}
  for name, value in pairs(logs) do
    if type(value) == "number" and name ~= "epoch" and name ~= "step" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    self.writer:scalar(tag_of(name), logs[name], logs.epoch - 1)
  end
  if self.histograms > 0 and logs.epoch % self.histograms == 0 and run.model then
    write_weights(self.writer, run.model, logs.epoch - 1)
  end
  self.writer:flush()
end

function Tensorboard:on_train_end()
  if self.writer then self.writer:close() end
  self.writer = nil
end

---Writes scalars of every epoch (from 0, as Keras counts), hyperparameters, and histograms when
---asked, in a form that every version of TensorBoard reads.
---@param given { path: string, histograms: integer|nil, every: integer|nil }|string
---@return lossdbg.Callback
function M.new(given)
  local self = options.check("callback.tensorboard", given, schema, source.level())
  return setmetatable(self, Tensorboard)
end

---Writes a finished or recorded run.
---@param run lossdbg.Run
---@param folder string
---@return boolean|nil ok
---@return string|nil message
function M.save(run, folder)
  local writer, why = event_writer.open(folder)
  if not writer then return nil, why end
  writer:hparams(plain_settings(run.description or {}))
  local curves = run.curves
  for _, name in ipairs(run:names()) do
    local x = curves and curves[name] and curves[name].x
    for i, value in ipairs(run.history[name]) do
      writer:scalar(tag_of(name), value, math.tointeger(x and x[i]) or i - 1)
    end
  end
  local steps = run.axis ~= "step" and run.steps and run.steps.loss
  for i, value in ipairs(steps or {}) do writer:scalar("batch_loss", value, i) end
  writer:close()
  return true
end

return M
