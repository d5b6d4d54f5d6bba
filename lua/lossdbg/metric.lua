--- Metrics, each a running value over an epoch: `reset`, `update(prediction, target)`, `value`.
-- A row whose prediction holds NaN never counts as correct.
local core = require "lossdbg.core"
local options = require "lossdbg.options"
local source = require "lossdbg.source"
local tensors = require "lossdbg.tensor"

local M = {}

---@class lossdbg.Metric
---@field name string
---@field mode "max"|"min"      the better direction
---@field takes_logits boolean  may be fed logits (with logits = true) instead of outputs
---@field reset fun(self)
---@field update fun(self, prediction: userdata, target: userdata, logits: boolean|nil)
---@field value fun(self): number NaN before the first update

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

local function rows(tensor)
  return tensor.rank > 0 and tensor.shape[1] or 1
end

local function align(prediction, target)
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

-- ---- accuracy ---------------------------------------------------------------------------------

local function mean_of(correct)
  return correct:cast("f64"):mean():item()
end

local function binary(self, prediction, target, logits)
  local threshold = logits and 0 or self.threshold
  target = align(prediction, target)
  if self.plus_minus then
    threshold, target = 0, target:gt(0)
  else
    target = target:gt(0.5)
  end
  local correct = prediction:gt(threshold):eq(target):mul(prediction:eq(prediction))
  return mean_of(correct)
end

-- 1 where the row's largest value is a number.
local function judged(prediction)
  local largest = prediction:max(-1)
  return largest:eq(largest)
end

local function sparse(_, prediction, target)
  local best = prediction:argmax(-1)
  if target.rank == prediction.rank then target = target:reshape(best.shape) end
  if target.dtype ~= "i32" then target = target:cast "i32" end
  return mean_of(best:sub(1):eq(target):mul(judged(prediction)))
end

local function categorical(_, prediction, target)
  return mean_of(prediction:argmax(-1):eq(target:argmax(-1)):mul(judged(prediction)))
end

local function pick(prediction, target)
  local shape, labels = prediction.shape, target.shape
  if #shape <= 1 or shape[#shape] == 1 then return binary end
  if #labels < #shape or labels[#labels] == 1 then return sparse end
  return categorical
end

local accuracy_schema = {
  { name = "threshold", type = "number", default = 0.5, doc = "of binary predictions" },
  { name = "kind", type = "string", choices = { "auto", "binary", "categorical", "sparse" },
    default = "auto" },
  { name = "plus_minus", type = "boolean", default = false, doc = "labels -1 and 1" },
}

local kinds = { binary = binary, categorical = categorical, sparse = sparse }

local function update_accuracy(self, prediction, target, logits)
  local judge = kinds[self.kind] or pick(prediction, target)
  tensors.no_grad(function()
    self:add(judge(self, prediction, target, logits), rows(prediction))
  end)
end

---Share of right answers: above the threshold for one output, the largest output for several.
---@param given? { threshold: number, kind: string, plus_minus: boolean }
---@return lossdbg.Metric
function M.accuracy(given)
  local self = options.check("metric.accuracy", given, accuracy_schema, source.level())
  self.name, self.mode, self.takes_logits, self.sum, self.n = "accuracy", "max", true, 0, 0
  self.update = update_accuracy
  return setmetatable(self, Metric)
end

---@return lossdbg.Metric
function M.binary_accuracy(given)
  local self = M.accuracy(given)
  self.kind, self.name = "binary", "binary_accuracy"
  return self
end

-- ---- regression -------------------------------------------------------------------------------

local function error_metric(name, measure, finish)
  local function update(self, prediction, target)
    tensors.no_grad(function()
      self:add(measure(prediction, align(prediction, target)), rows(prediction))
    end)
  end
  local value = finish and function(self) return finish(Metric.value(self)) end or nil
  return function(given)
    options.check("metric." .. name, given, {}, source.level())
    return setmetatable({ name = name, mode = "min", takes_logits = false, sum = 0, n = 0,
      update = update, value = value }, Metric)
  end
end

local function mean_square(prediction, target)
  return prediction:sub(target):square():mean():item()
end

M.mse = error_metric("mse", mean_square)
M.rmse = error_metric("rmse", mean_square, math.sqrt)
M.mae = error_metric("mae", function(prediction, target)
  return prediction:sub(target):abs():mean():item()
end)

local R2 = setmetatable({ __name = "lossdbg.metric", __call = Metric.__call }, Metric)
R2.__index = R2

function R2:reset()
  self.residual, self.mean, self.square, self.n = 0, 0, 0, 0
end

-- Sums of squares of targets about their mean, merged by Chan's formula.
function R2:update(prediction, target)
  tensors.no_grad(function()
    target = align(prediction, target):cast "f64"
    local n, mean = target.numel, target:mean():item()
    local within, total = target:var():item() * n, self.n + n
    self.residual = self.residual + prediction:cast("f64"):sub(target):square():sum():item()
    self.square = self.square + within + (mean - self.mean) ^ 2 * self.n * n / total
    self.mean = self.mean + (mean - self.mean) * n / total
    self.n = total
  end)
end

function R2:value()
  if self.n == 0 or self.square == 0 then return 0 / 0 end
  return 1 - self.residual / self.square
end

---Coefficient of determination over all values seen: 1 - residual / total sum of squares.
---@return lossdbg.Metric
function M.r2(given)
  options.check("metric.r2", given, {}, source.level())
  local self = setmetatable({ name = "r2", mode = "max", takes_logits = false }, R2)
  self:reset()
  return self
end

---Running mean of numbers, for loops of one's own: `mean:add(value, n)`, `mean:value()`.
---@return lossdbg.Metric
function M.mean()
  return setmetatable({ name = "mean", mode = "min", sum = 0, n = 0 }, Metric)
end

M.acc, M.mean_squared_error, M.mean_absolute_error = M.accuracy, M.mse, M.mae
M.root_mean_squared_error = M.rmse

local names = { "accuracy", "acc", "binary_accuracy", "mse", "mae", "rmse", "r2",
  "mean_squared_error", "mean_absolute_error", "root_mean_squared_error" }

---Reads a metric: a name, `{ name = "accuracy", threshold = 0.7 }`, a metric object, or a function
---(prediction, target) -> number. Every call makes a fresh one.
---@param given any
---@param where string
---@return lossdbg.Metric
function M.resolve(given, where)
  if type(given) == "function" then
    local function update(self, prediction, target)
      self:add(given(prediction, target), rows(prediction))
    end
    return setmetatable({ name = "metric", mode = "min", sum = 0, n = 0, update = update }, Metric)
  end
  if type(given) == "table" and type(given.update) == "function" then return given end
  local name, rest = given, nil
  if type(given) == "table" then
    name, rest = given.name or given[1], {}
    for key, value in pairs(given) do
      if key ~= "name" and key ~= 1 then rest[key] = value end
    end
  end
  for _, known in ipairs(names) do
    if known == name then return M[name](rest) end
  end
  error(("lossdbg: %s: argument 'metrics': unknown metric %s%s"):format(where, options.show(name),
    options.hint(name, names)), source.level())
end

return M
