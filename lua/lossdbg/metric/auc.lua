--- Area under the ROC curve: over 200 thresholds as in Keras, or exactly from the order of all
-- predictions. A prediction that is NaN stands on the wrong side of every threshold.
local base = require "lossdbg.metric.base"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local M = {}

local schema = options.declare "metric.auc" {
  { name = "thresholds", type = "integer", min = 3, default = 200, alias = "num_thresholds",
    doc = "at which the curve is taken" },
  { name = "exact", type = "boolean", default = false,
    doc = "keep all predictions and compare every pair" },
}

local Auc = base.class()

function Auc:reset()
  self.positive, self.negative, self.scores = {}, {}, { {}, {} }
  self.n_positive, self.n_negative = 0, 0
end

function Auc:update(prediction, target, logits)
  tensors.no_grad(function()
    target = base.align(prediction, target)
    if logits and not self.exact then
      prediction = base.is_single(prediction) and prediction:sigmoid() or prediction:softmax(-1)
    end
    local labels = target:gt(0.5):reshape({ -1 }):totable()
    local values = prediction:reshape({ -1 }):totable()
    for i, value in ipairs(values) do
      local is_positive = labels[i] == 1
      if value ~= value then value = is_positive and -math.huge or math.huge end
      self:take(value, is_positive)
    end
  end)
end

function Auc:take(value, is_positive)
  local list
  if is_positive then
    self.n_positive, list = self.n_positive + 1, self.positive
  else
    self.n_negative, list = self.n_negative + 1, self.negative
  end
  if self.exact then
    list = self.scores[is_positive and 1 or 2]
    list[#list + 1] = value
    return
  end
  local at = math.ceil(math.min(math.max(value, 0), 1) * (self.thresholds - 1)) - 1
  at = math.max(at, 0) + 1
  list[at] = (list[at] or 0) + 1
end

-- Trapezoids between the points of successive thresholds, from the highest down.
local function by_thresholds(self)
  local area, tp, fp = 0, 0, 0
  for at = self.thresholds, 1, -1 do
    local more_tp, more_fp = self.positive[at] or 0, self.negative[at] or 0
    area = area + more_fp * (tp + more_tp / 2)
    tp, fp = tp + more_tp, fp + more_fp
  end
  return area / (tp * fp)
end

-- Share of (positive, negative) pairs in the right order, ties counting half.
local function by_pairs(self)
  local positive, negative = self.scores[1], self.scores[2]
  table.sort(positive)
  table.sort(negative)
  local below, upto, sum = 0, 0, 0
  for _, value in ipairs(positive) do
    while below < #negative and negative[below + 1] < value do below = below + 1 end
    upto = math.max(upto, below)
    while upto < #negative and negative[upto + 1] <= value do upto = upto + 1 end
    sum = sum + (below + upto) / 2
  end
  return sum / (#positive * #negative)
end

function Auc:value()
  local seen = self.n_positive + self.n_negative
  if seen == 0 then return 0 / 0 end
  if self.n_positive == 0 or self.n_negative == 0 then return self.exact and 0 / 0 or 0 end
  return self.exact and by_pairs(self) or by_thresholds(self)
end

---Area under the ROC curve. Several outputs are one long list (micro average).
---@param given? table thresholds = 200, exact = false
---@return lossdbg.Metric
function M.auc(given)
  local self = options.check("metric.auc", given, schema, source.level())
  self.name, self.mode, self.takes_logits = "auc", "max", true
  setmetatable(self, Auc):reset()
  return self
end

return M
