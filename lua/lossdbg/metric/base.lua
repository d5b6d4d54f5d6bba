--- What all metrics share: a running mean, and targets brought to the shape of the predictions.
local core = require "lossdbg.core"
local source = require "lossdbg.support.source"

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

---A class of metrics with a state of its own.
---@return table
function M.class()
  local class = setmetatable({ __name = "lossdbg.metric", __call = Metric.__call }, Metric)
  class.__index = class
  return class
end

return M
