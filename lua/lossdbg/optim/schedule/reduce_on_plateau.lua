--- Lowers the learning rate when a metric stops improving. Keras and PyTorch count differently, so
-- that the same patience acts one epoch apart; both are here, exactly.
local metrics = require "lossdbg.metric"
local options = require "lossdbg.support.options"

local M = {}

---@class lossdbg.reduce_on_plateau
---@field options table plain data
---@field best number best metric so far
---@field wait integer epochs without improvement
---@field cooling integer epochs that still do not count
local Plateau = {}
Plateau.__index = Plateau
Plateau.__name = "lossdbg.reduce_on_plateau"

local schema = options.declare "schedule.reduce_on_plateau" {
  { name = "factor", type = "number", open_min = 0, open_max = 1, default = 0.1, positional = 1,
    doc = "new rate = factor x old rate" },
  { name = "patience", type = "integer", min = 0, default = 10,
    doc = "epochs without improvement before the rate falls" },
  { name = "min_delta", type = "number", min = 0, default = 1e-4, alias = { "threshold" },
    doc = "smaller changes are no improvement" },
  { name = "threshold_mode", type = "string", choices = { "rel", "abs" },
    doc = "PyTorch: min_delta as a share or as it is" },
  { name = "cooldown", type = "integer", min = 0, default = 0,
    doc = "epochs after a fall that do not count" },
  { name = "min_lr", type = "number", min = 0, default = 0,
    doc = "lower bound of the rate" },
  { name = "eps", type = "number", min = 0, default = 1e-8,
    doc = "PyTorch: smaller changes of the rate are not made" },
  { name = "mode", type = "string", choices = { "auto", "min", "max" }, default = "auto",
    doc = "whether smaller or larger is better; default: by the metric" },
  { name = "monitor", type = "string", default = "val_loss",
    doc = "metric that is watched" },
  { name = "flavor", type = "string", choices = { "keras", "torch" }, default = "keras",
    doc = "whose way of counting" },
}

---Keras: improved means better than best by min_delta (absolute); reduced when `patience` epochs
---in a row were not. PyTorch: better by the share min_delta; reduced after more than `patience`.
---@param given? table factor = 0.1, patience = 10, min_delta = 1e-4, cooldown = 0, min_lr = 0,
---  mode, monitor = "val_loss", flavor = "keras"; PyTorch also threshold_mode and eps
---@return lossdbg.reduce_on_plateau
function M.new(given)
  local o = options.check("schedule.reduce_on_plateau", given, schema)
  if o.mode == "auto" then o.mode = metrics.direction(o.monitor) or "min" end
  o.threshold_mode = o.threshold_mode or (o.flavor == "torch" and "rel" or "abs")
  return setmetatable({
    name = "reduce_on_plateau", options = o, wait = 0, cooling = 0,
    best = o.mode == "min" and math.huge or -math.huge,
  }, Plateau)
end

local function improved(self, metric)
  local o, best = self.options, self.best
  if best == math.huge or best == -math.huge then return metric == metric and metric ~= best end
  local margin = o.threshold_mode == "rel" and o.min_delta * best or o.min_delta
  if o.mode == "min" then return metric < best - margin end
  return metric > best + margin
end

local function as_float32(x)
  local narrow = string.unpack("f", string.pack("f", x))
  return narrow
end

local function keras_epoch(self, metric, lr)
  local o = self.options
  if self.cooling > 0 then
    self.cooling, self.wait = self.cooling - 1, 0
  end
  if improved(self, metric) then
    self.best, self.wait = metric, 0
  elseif self.cooling == 0 then
    self.wait = self.wait + 1
    if self.wait >= o.patience and lr > as_float32(o.min_lr) then
      self.cooling, self.wait = o.cooldown, 0
      return math.max(lr * o.factor, o.min_lr), true
    end
  end
  return lr, false
end

local function torch_epoch(self, metric, lr)
  local o = self.options
  if improved(self, metric) then
    self.best, self.wait = metric, 0
  else
    self.wait = self.wait + 1
  end
  if self.cooling > 0 then
    self.cooling, self.wait = self.cooling - 1, 0
  end
  if self.wait > o.patience then
    self.cooling, self.wait = o.cooldown, 0
    local new = math.max(lr * o.factor, o.min_lr)
    if lr - new > o.eps then return new, true end
  end
  return lr, false
end

---Feeds the metric of one epoch.
---@param metric number NaN counts as no improvement
---@param lr number rate used in this epoch, >= 0
---@return number lr rate for the next epoch
---@return boolean reduced
function Plateau:epoch(metric, lr)
  local where = "reduce_on_plateau:epoch"
  if type(metric) ~= "number" then options.fail(where, "metric", "a number", metric) end
  if not (type(lr) == "number" and lr >= 0) then
    options.fail(where, "lr", "a number >= 0", lr)
  end
  return (self.options.flavor == "torch" and torch_epoch or keras_epoch)(self, metric, lr)
end

return M
