--- The losses: family, what the target holds, function per sample, options of their own.
-- A function gets (loss, prediction, target, raw); with raw the values are not rescaled for a mean.
local core = require "lossdbg.core"
local weighing = require "lossdbg.loss.weighing"

local op = core.op

local function plain(name)
  return function(_, prediction, target) return op[name](prediction, target) end
end

local from_logits = { name = "from_logits", type = "boolean", default = false,
  doc = "predictions are logits, not probabilities" }
local smoothing = { name = "label_smoothing", type = "number", min = 0, max = 1, default = 0,
  alias = "smoothing",
  doc = "share of the label spread over all classes" }
local class_weight = { name = "class_weight", type = "table|tensor", alias = "weight",
  doc = "class id (0, 1, ...) to weight, or a tensor of all weights" }
local ignore_class = { name = "ignore_class", type = "integer", alias = "ignore_index",
  doc = "rows with this label do not count" }
local gamma = { name = "gamma", type = "number", min = 0, default = 2,
  doc = "how much easy rows lose" }
local epsilon = 1e-7

-- One loss a value instead of one a sample.
local function each(name, prediction, target, ...)
  local shape = prediction.shape
  shape[#shape + 1] = 1
  return op[name](prediction:reshape(shape), target:reshape(shape), ...)
end

-- Probabilities of one row, clipped as Keras does.
local function normalised(p)
  return p:div(p:sum(-1, true)):clip(epsilon, 1 - epsilon)
end

local function sparse(self, prediction, target, raw)
  if not (self.class_weight or self.ignore_class) then
    return op.sparse_crossentropy(prediction, target, self.from_logits, self.label_smoothing)
  elseif self.class_weight then
    local logs = self.from_logits and prediction:log_softmax(-1) or normalised(prediction):log()
    return weighing.by_label(self, logs, target, self.label_smoothing, raw)
  end
  local ids, keep = weighing.without_ignored(self, target, prediction.dtype)
  local values = op.sparse_crossentropy(prediction, ids, self.from_logits, self.label_smoothing)
  return weighing.normalise(self, op.where(keep, values, 0), keep, raw)
end

local function categorical(self, prediction, target)
  local s, classes = self.label_smoothing, prediction.shape[prediction.rank]
  local weights = weighing.per_class(self, classes, prediction.dtype)
  if not weights then
    return op.categorical_crossentropy(prediction, target, self.from_logits, s)
  end
  local logs = self.from_logits and prediction:log_softmax(-1) or normalised(prediction):log()
  if s > 0 then target = target:mul(1 - s):add(s / classes) end
  return logs:mul(weights):mul(target):sum(-1):neg()
end

local function binary(self, prediction, target)
  local s, weight = self.label_smoothing, weighing.positive(self, prediction.dtype)
  if not weight then return op.binary_crossentropy(prediction, target, self.from_logits, s) end
  if s > 0 then target = target:mul(1 - s):add(0.5 * s) end
  local positive, negative
  if self.from_logits then
    positive, negative = prediction:neg():softplus(), prediction:softplus()
  else
    local p = prediction:clip(epsilon, 1 - epsilon)
    positive, negative = p:log():neg(), p:neg():log1p():neg()
  end
  return target:mul(weight):mul(positive):add(target:neg():add(1):mul(negative)):mean(-1)
end

local function binary_focal(self, prediction, target)
  local p, s = prediction, self.label_smoothing
  if self.from_logits then p = p:sigmoid() end
  if s > 0 then target = target:mul(1 - s):add(0.5 * s) end
  local other = target:neg():add(1)
  local right = target:mul(p):add(other:mul(p:neg():add(1)))
  local values = right:neg():add(1):pow(self.gamma):mul(each("binary_crossentropy", p, target))
  if self.balance then
    values = values:mul(target:mul(self.alpha):add(other:mul(1 - self.alpha)))
  end
  return values:mean(-1)
end

local function categorical_focal(self, prediction, target)
  local s, classes = self.label_smoothing, prediction.shape[prediction.rank]
  if s > 0 then target = target:mul(1 - s):add(s / classes) end
  local p = normalised(self.from_logits and prediction:softmax(-1) or prediction)
  return p:neg():add(1):pow(self.gamma):mul(self.alpha):mul(target):mul(p:log()):sum(-1):neg()
end

local function categorical_hinge(_, prediction, target)
  local right = target:mul(prediction):sum(-1)
  local wrong = target:neg():add(1):mul(prediction):max(-1)
  return wrong:sub(right):add(1):maximum(0)
end

local alpha = { name = "alpha", type = "number", min = 0, max = 1, default = 0.25,
  doc = "weight of the class; of the ones with balance" }

-- name = { family, what the target holds, function per sample, options }
return {
  mse = { "regression", "real", plain "mse" },
  mae = { "regression", "real", plain "mae" },
  mape = { "regression", "real", plain "mape" },
  msle = { "regression", "real", plain "msle" },
  log_cosh = { "regression", "real", plain "log_cosh" },
  poisson = { "regression", "real", plain "poisson" },
  cosine_similarity = { "regression", "real", plain "cosine_similarity" },
  kl = { "probability", "one_hot", plain "kl" },
  hinge = { "margin", "zero_one", plain "hinge" },
  squared_hinge = { "margin", "zero_one", plain "squared_hinge" },
  categorical_hinge = { "score", "one_hot", categorical_hinge },
  huber = { "regression", "real", function(self, prediction, target)
    return op.huber(prediction, target, self.delta)
  end, { { name = "delta", type = "number", open_min = 0, default = 1, positional = 1,
    doc = "error from which the loss grows linearly" } } },
  smooth_l1 = { "regression", "real", function(self, prediction, target)
    return op.huber(prediction, target, self.beta):mul(1 / self.beta)
  end, { { name = "beta", type = "number", open_min = 0, default = 1, positional = 1,
    doc = "error from which the loss grows linearly" } } },
  binary_crossentropy = { "probability", "zero_one", binary, { from_logits, smoothing,
    { name = "pos_weight", type = "number|table|tensor", min = 0,
      doc = "weight of the positive labels, one or one per output" } } },
  categorical_crossentropy = { "probability", "one_hot", categorical,
    { from_logits, smoothing, class_weight } },
  sparse_crossentropy = { "probability", "index", sparse,
    { from_logits, smoothing, class_weight, ignore_class } },
  crossentropy = { nil, nil, nil, { from_logits, smoothing } },
  nll = { "score", "index", function(self, prediction, target, raw)
    return weighing.by_label(self, prediction, target, 0, raw)
  end, { class_weight, ignore_class } },
  binary_focal = { "probability", "zero_one", binary_focal, { from_logits, smoothing, gamma, alpha,
    { name = "balance", type = "boolean", default = false, alias = "apply_class_balancing",
      doc = "weight alpha for 1, 1 - alpha for 0" } } },
  categorical_focal = { "probability", "one_hot", categorical_focal,
    { from_logits, smoothing, gamma, alpha } },
}
