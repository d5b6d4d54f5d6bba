--- Metrics, each a running value over an epoch: `reset`, `update(prediction, target)`, `value`.
-- A row whose prediction holds NaN never counts as correct.
local core = require "lossdbg.core"
local auc = require "lossdbg.metric.auc"
local base = require "lossdbg.metric.base"
local counts = require "lossdbg.metric.counts"
local likelihood = require "lossdbg.metric.likelihood"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local M = {}

---@class lossdbg.Metric
---@field name string
---@field mode "max"|"min"      the better direction
---@field takes_logits boolean  may be fed logits (with logits = true) instead of outputs
---@field reset fun(self)
---@field update fun(self, prediction: userdata, target: userdata, logits: boolean|nil)
---@field value fun(self): number NaN before the first update

local Metric, Scored, rows = base.Metric, base.Scored, base.rows

-- ---- accuracy ---------------------------------------------------------------------------------

-- What accuracies compare, and with which threshold.
local function measure_accuracy(self, prediction, target, logits)
  local kind = self.kind
  if kind == "auto" then
    kind = base.is_single(prediction) and "binary"
      or base.is_sparse(prediction, target) and "sparse" or "categorical"
  end
  if kind ~= "binary" then return kind, 0 end
  if self.plus_minus then return "signs", 0 end
  return kind, logits and 0 or self.threshold
end

local accuracy_schema = options.declare "metric.accuracy" {
  { name = "threshold", type = "number", default = 0.5, doc = "of binary predictions" },
  { name = "kind", type = "string", choices = { "auto", "binary", "categorical", "sparse" },
    default = "auto",
    doc = "how predictions and targets are read; default: by their shapes" },
  { name = "plus_minus", type = "boolean", default = false, doc = "labels -1 and 1" },
}

---Share of right answers: above the threshold for one output, the largest output for several.
---@param given? { threshold: number, kind: string, plus_minus: boolean }
---@return lossdbg.Metric
function M.accuracy(given)
  local self = options.check("metric.accuracy", given, accuracy_schema, source.level())
  self.name, self.mode, self.takes_logits = "accuracy", "max", true
  self.measure = measure_accuracy
  return setmetatable(self, Scored)
end

for _, kind in ipairs { "binary", "categorical", "sparse" } do
  local name = kind .. "_accuracy"
  M[name] = function(given)
    local self = M.accuracy(given)
    self.kind, self.name = kind, name
    return self
  end
end
M.sparse_categorical_accuracy = M.sparse_accuracy

-- Right where fewer than k outputs are larger than the label's.
local function update_top_k(self, prediction, target)
  tensors.no_grad(function()
    local hot = core.op.one_hot(base.ids(prediction, target), prediction.shape[prediction.rank])
    local score = core.op.where(hot, prediction, 0):sum(-1, true)
    local larger = prediction:gt(score):cast("f64"):sum(-1)
    local right = larger:lt(self.k):mul(base.judged(prediction))
    self:add(right:cast("f64"):mean():item(), rows(prediction))
  end)
end

local top_k_schema = options.declare "metric.top_k_accuracy" {
  { name = "k", type = "integer", min = 1, default = 5, positional = 1,
    doc = "how many of the largest outputs count" },
}

---Share of rows whose label is among the k largest outputs; for class ids and one-hot rows.
---@param given? integer|table k = 5
---@return lossdbg.Metric
function M.top_k_accuracy(given)
  local self = options.check("metric.top_k_accuracy", given,
    top_k_schema, source.level())
  self.name, self.mode, self.takes_logits, self.sum, self.n = "top_k_accuracy", "max", true, 0, 0
  self.update = update_top_k
  return setmetatable(self, Metric)
end
M.top_k_categorical_accuracy = M.top_k_accuracy

for _, part in ipairs { auc, counts, likelihood } do
  for name, make in pairs(part) do M[name] = make end
end

-- ---- regression -------------------------------------------------------------------------------

local function scored(name, mode, kind, value)
  local function measure() return kind, 0 end
  return function(given)
    options.check("metric." .. name, given, {}, source.level())
    return setmetatable({ name = name, mode = mode, takes_logits = false, measure = measure,
      value = value }, Scored)
  end
end

M.mse = scored("mse", "min", "square")
M.rmse = scored("rmse", "min", "square", function(self) return math.sqrt(Scored.value(self)) end)
M.mae = scored("mae", "min", "absolute")

-- The state holds the rows, then residual, mean and sum of squares of each column.
local function value_r2(self)
  if not self.score then return 0 / 0 end
  local state, sum, columns = self.score[1]:totable(), 0, 0
  for at = 2, #state, 3 do
    if state[at + 2] == 0 then return 0 / 0 end
    sum, columns = sum + 1 - state[at] / state[at + 2], columns + 1
  end
  return sum / columns
end

---Coefficient of determination over all rows seen: 1 - residual / total sum of squares, the mean
---over the columns. NaN while a target is constant.
---@return lossdbg.Metric
M.r2 = scored("r2", "max", "r2", value_r2)

---Running mean of numbers, for loops of one's own: `mean:add(value, n)`, `mean:value()`.
---@return lossdbg.Metric
function M.mean()
  return setmetatable({ name = "mean", mode = "min", sum = 0, n = 0 }, Metric)
end

M.acc, M.mean_squared_error, M.mean_absolute_error = M.accuracy, M.mse, M.mae
M.root_mean_squared_error = M.rmse

local names = {}
for name in pairs(M) do
  if name ~= "mean" then names[#names + 1] = name end
end
table.sort(names)

---Names that `metrics` knows, sorted.
M.names = names

local modes

-- mode of every metric by name, from the metrics themselves
local function known_modes()
  if not modes then
    modes = {}
    for _, name in ipairs(names) do modes[name] = M[name]().mode end
  end
  return modes
end

---Which way a history is better: that of its metric, whatever stands before its name ("val_auc",
---"size_mae"); less is better of losses. The one place that knows.
---@param name string
---@param run? table<string, "min"|"max"> of the metrics of a run, by name: custom ones too
---@return "min"|"max"|nil nil: unknown
function M.direction(name, run)
  if type(name) ~= "string" then
    options.fail("metric.direction", "name", "the name of a history", name, nil, source.level())
  elseif run ~= nil and type(run) ~= "table" then
    options.fail("metric.direction", "run", "a table from name to \"min\" or \"max\"", run, nil,
      source.level())
  end
  name = name:gsub("^val_", "")
  local rest = name
  while rest do
    local mode = run and run[rest] or known_modes()[rest]
    if mode then return mode end
    if rest == "loss" then return "min" end
    rest = rest:match "_(.+)$"
  end
end

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
