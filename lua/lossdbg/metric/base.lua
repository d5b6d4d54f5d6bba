--- What all metrics share: a running mean, and targets brought to the shape of the predictions.
local core = require "lossdbg.core"
local source = require "lossdbg.support.source"

local score = core.score
local M = {}

local Metric = { __name = "lossdbg.metric" }
Metric.__index = Metric

function Metric:reset()
  self.sum, self.n = 0, 0
end

---@param value number mean of the batch
---@param n integer rows
function Metric:add(value, n)
  self.sum, self.n = self.sum + value * n, self.n + n
end

function Metric:value()
  return self.n > 0 and self.sum / self.n or 0 / 0
end

function Metric:__call(prediction, target, logits)
  self:reset()
  self:update(prediction, target, logits)
  return self:value()
end

---@param tensor userdata
---@return integer
function M.rows(tensor)
  return tensor.rank > 0 and tensor.shape[1] or 1
end

---Targets in the shape and dtype of the predictions; class ids become one-hot rows.
---@param prediction userdata
---@param target userdata
---@return userdata
function M.align(prediction, target)
  local shape = prediction.shape
  if target.dtype == "i32" and target.numel * shape[#shape] == prediction.numel then
    target = core.op.one_hot(target:reshape({ target.numel }), shape[#shape]) -- class ids
  end
  if target.dtype ~= prediction.dtype then target = target:cast(prediction.dtype) end
  if target.numel ~= prediction.numel then
    error(("lossdbg: metric: argument 'target': expected shape [%s], got [%s]"):format(
      table.concat(prediction.shape, ", "), table.concat(target.shape, ", ")), source.level())
  end
  return target:reshape(prediction.shape)
end

---Whether predictions are one number a row.
---@param prediction userdata
---@return boolean
function M.is_single(prediction)
  local shape = prediction.shape
  return #shape <= 1 or shape[#shape] == 1
end

---Whether targets are class ids for predictions with several columns.
---@param prediction userdata
---@param target userdata
---@return boolean
function M.is_sparse(prediction, target)
  local shape, labels = prediction.shape, target.shape
  return #labels < #shape or labels[#labels] == 1
end

---Class ids of a target: [n...] without the axis of the classes.
---@param prediction userdata
---@param target userdata
---@return userdata i32
function M.ids(prediction, target)
  if not M.is_sparse(prediction, target) then return target:argmax(-1):sub(1) end
  local shape = prediction.shape
  shape[#shape] = nil
  target = target:reshape(shape)
  return target.dtype == "i32" and target or target:cast "i32"
end

---1 where the row's largest value is a number.
---@param prediction userdata
---@return userdata
function M.judged(prediction)
  local largest = prediction:max(-1)
  return largest:eq(largest)
end

M.Metric = Metric

-- ---- counted in C ------------------------------------------------------------------------------

local Scored = setmetatable({ __name = "lossdbg.metric", __call = Metric.__call }, Metric)
Scored.__index = Scored

function Scored:reset() self.score = nil end

---The score for predictions and targets like these (core.score): what `update` adds to, and what
---the loop of fit adds to by itself while steps are replayed.
---@param prediction userdata
---@param target userdata prepared: as the loss takes it
---@param logits boolean|nil
---@return table|nil { state, kind, threshold }; nil: the targets must be brought to a form first
function Scored:tally(prediction, target, logits)
  local kind, threshold = self:measure(prediction, target, logits)
  if not score.fits(kind, prediction, target) then return nil end
  if not self.score then
    self.score = { core.tensor.full({ score.size(kind, prediction) }, 0, "f64"), kind, threshold }
  end
  return self.score
end

function Scored:update(prediction, target, logits)
  core.autograd.no_grad(function()
    if prediction.dtype == "i32" then prediction = prediction:cast "f64" end
    if prediction.rank == 0 then prediction = prediction:reshape { 1 } end
    prediction = prediction:contiguous()
    local found = self:tally(prediction, target, logits)
    if not found then
      local sparse = self:measure(prediction, target, logits) == "sparse"
      target = sparse and M.ids(prediction, target) or M.align(prediction, target)
      target = target:contiguous()
      found = assert(self:tally(prediction, target, logits))
    end
    score.add(found, prediction, target)
  end)
end

---What the state of the score comes to: mean over the rows.
function Scored:value()
  local state = self.score and self.score[1]
  return state and state[2] > 0 and state[1] / state[2] or 0 / 0
end

M.Scored = Scored

---A class of metrics with a state of its own.
---@return table
function M.class()
  local class = setmetatable({ __name = "lossdbg.metric", __call = Metric.__call }, Metric)
  class.__index = class
  return class
end

return M
