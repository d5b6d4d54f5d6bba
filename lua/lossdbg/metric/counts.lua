--- Metrics from counts of right and wrong answers per class: precision, recall, f1 and the
-- confusion matrix. Several outputs are one class a row (the largest output), or with
-- kind = "multilabel" one label an output. A row with NaN is wrong: a miss of its label, a false
-- alarm where the label is 0.
local base = require "lossdbg.metric.base"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local upper = require "lossdbg.support.upper"
local tensors = require "lossdbg.tensor"

local M = {}

local Counts = base.class()

function Counts:reset()
  self.classes = 0
  self.tp, self.fp, self.fn, self.support = {}, {}, {}, {}
  self.rows, self.total, self.right, self.undecided = {}, 0, 0, 0
end

local function bump(list, k, n) list[k] = (list[k] or 0) + n end

local function sums(t) return t:cast("f64"):sum(1):totable() end

-- One label an output: columns of 0 and 1.
local function add_labels(self, prediction, target, logits)
  local width = base.is_single(prediction) and 1 or prediction.shape[prediction.rank]
  local shape = { prediction.numel // width, width }
  local y = base.align(prediction, target):reshape(shape):gt(0.5)
  local p = prediction:reshape(shape)
  local known, says = p:eq(p), p:gt(logits and 0 or self.threshold)
  local no, right = y:eq(0), says:eq(y):mul(known)
  local tp, support = sums(right:mul(y)), sums(y)
  local fp = sums(no:mul(right:eq(0)))
  for k = 1, width do
    bump(self.tp, k, tp[k])
    bump(self.fp, k, fp[k])
    bump(self.fn, k, support[k] - tp[k])
    bump(self.support, k, support[k])
  end
  self.classes = width
end

-- One class a row.
local function add_classes(self, prediction, target)
  local width = prediction.shape[prediction.rank]
  local n = prediction.numel // width
  prediction = prediction:reshape { n, width }
  local best, known = prediction:argmax(-1):totable(), base.judged(prediction):totable()
  local labels = base.is_sparse(prediction, target) and target:reshape { n } or
    target:reshape({ n, width }):argmax(-1):sub(1)
  labels = labels:totable()
  self.classes = width
  for i = 1, n do
    local label, said = math.tointeger(labels[i]) + 1, best[i]
    bump(self.support, label, 1)
    self.total = self.total + 1
    if known[i] == 0 then
      bump(self.fn, label, 1)
      self.undecided = self.undecided + 1
    else
      local row = self.rows[label] or {}
      self.rows[label] = row
      bump(row, said, 1)
      if said == label then
        bump(self.tp, label, 1)
        self.right = self.right + 1
      else
        bump(self.fn, label, 1)
        bump(self.fp, said, 1)
      end
    end
  end
end

function Counts:update(prediction, target, logits)
  tensors.no_grad(function()
    local labels = self.kind == "multilabel" or self.kind == "binary"
      or (self.kind == "auto" and base.is_single(prediction))
    if labels then
      add_labels(self, prediction, target, logits)
    else
      add_classes(self, prediction, target)
    end
  end)
end

local function ratio(a, b) return b > 0 and a / b or 0 end

local rules = {
  precision = function(tp, fp) return ratio(tp, tp + fp) end,
  recall = function(tp, _, fn) return ratio(tp, tp + fn) end,
  f1 = function(tp, fp, fn) return ratio(2 * tp, 2 * tp + fp + fn) end,
}

---The value of every class, 0 where nothing was found (as sklearn and Keras).
---@return number[]
function Counts:per_class()
  local list = {}
  for k = 1, self.classes do
    list[k] = self.rule(self.tp[k] or 0, self.fp[k] or 0, self.fn[k] or 0)
  end
  return list
end

function Counts:value()
  if self.classes == 0 then return 0 / 0 end
  if self.average == "micro" then
    local tp, fp, fn = 0, 0, 0
    for k = 1, self.classes do
      tp, fp, fn = tp + (self.tp[k] or 0), fp + (self.fp[k] or 0), fn + (self.fn[k] or 0)
    end
    return self.rule(tp, fp, fn)
  end
  local sum, weights = 0, 0
  for k, value in ipairs(self:per_class()) do
    local weight = self.average == "weighted" and (self.support[k] or 0) or 1
    sum, weights = sum + value * weight, weights + weight
  end
  return ratio(sum, weights)
end

local schema = {
  { name = "average", type = "string", choices = { "macro", "micro", "weighted" },
    default = "macro", doc = "over the classes" },
  { name = "threshold", type = "number", default = 0.5, doc = "of single outputs" },
  { name = "kind", type = "string", choices = { "auto", "binary", "multiclass", "multilabel" },
    default = "auto",
    doc = "how predictions and targets are read; default: by their shapes" },
}

local function make(name)
  options.declare("metric." .. name)(schema)
  return function(given)
    local self = options.check("metric." .. name, given, schema, source.level())
    self.name, self.mode, self.takes_logits, self.rule = name, "max", true, rules[name]
    setmetatable(self, Counts):reset()
    return self
  end
end

---tp / (tp + fp): how many alarms are right.
M.precision = make("precision")
---tp / (tp + fn): how many of the wanted are found.
M.recall = make("recall")
---Harmonic mean of precision and recall.
M.f1 = make("f1")

local confusion_schema = options.declare "metric.confusion_matrix" { schema[2] }
local Confusion = base.class()

Confusion.reset = Counts.reset

function Confusion:update(prediction, target, logits)
  tensors.no_grad(function()
    if base.is_single(prediction) then -- two columns: the larger one is the answer
      local p = prediction:reshape { prediction.numel, 1 }
      local edge = logits and 0 or self.threshold
      prediction = p:neg():add(2 * edge):add(p:mul(0)):reshape { p.numel }
      prediction = require("lossdbg.core").op.concat({ prediction:reshape { p.numel, 1 }, p }, 2)
      target = target:reshape({ target.numel }):gt(0.5)
    end
    add_classes(self, prediction, target)
  end)
end

---Counts [label][answer], both from 1 for class 0.
---@return integer[][]
function Confusion:matrix()
  local list = {}
  for i = 1, self.classes do
    list[i] = {}
    for j = 1, self.classes do list[i][j] = (self.rows[i] or {})[j] or 0 end
  end
  return list
end

---Share of right answers; the table is :matrix().
function Confusion:value() return self.total > 0 and self.right / self.total or 0 / 0 end

function Confusion:__tostring()
  local cells = {}
  for i, row in ipairs(self:matrix()) do
    cells[i] = { tostring(i - 1), table.unpack(row) }
  end
  local header = { "label \\ answer" }
  for k = 1, self.classes do header[k + 1] = tostring(k - 1) end
  return upper.table.render(cells, { header = header })
end

---How often each class was answered for each label. Its value is the share of right answers.
---@param given? table threshold = 0.5 (one output)
---@return lossdbg.Metric
function M.confusion_matrix(given)
  local self = options.check("metric.confusion_matrix", given, confusion_schema, source.level())
  self.name, self.mode, self.takes_logits = "confusion_matrix", "max", true
  setmetatable(self, Confusion):reset()
  return self
end

return M
