--- Losses: loss(prediction, target) is a scalar; per sample it is the mean over the last axis, as
-- in Keras. Cross-entropies take probabilities, or with from_logits the numbers before the softmax.
local by_hand = require "lossdbg.loss.by_hand"
local core = require "lossdbg.core"
local catalogue = require "lossdbg.loss.catalogue"
local fit_shapes = require "lossdbg.loss.shapes"
local observers = require "lossdbg.support.observers"
local options = require "lossdbg.support.options"
local reads = require "lossdbg.tensor.reads"
local attempt = require "lossdbg.support.attempt"
local settings = require "lossdbg.support.settings"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"
local weighing = require "lossdbg.loss.weighing"

local M = {}

---@class lossdbg.Loss
---@field name string             canonical: "mse", "sparse_crossentropy", ..., "custom"
---@field from_logits boolean|nil of the cross-entropies
---@field label_smoothing number
---@field reduction "mean"|"sum"|"none"
---@field family "regression"|"probability"|"margin"|"score"|"custom"
---@field target "index"|"one_hot"|"zero_one"|"real" what the targets hold
---@field by_hand boolean|nil    written out without the protections of the library's own
---@operator call(userdata): userdata

local Loss = { __name = "lossdbg.loss" }
reads.kind(Loss, { noticed = true })

local aliases = {
  mean_squared_error = "mse", mean_absolute_error = "mae", logcosh = "log_cosh",
  bce = "binary_crossentropy", kl_divergence = "kl", kld = "kl",
  sparse_categorical_crossentropy = "sparse_crossentropy", ce = "crossentropy",
  mean_absolute_percentage_error = "mape", mean_squared_logarithmic_error = "msle",
  binary_focal_crossentropy = "binary_focal", nll_loss = "nll",
  categorical_focal_crossentropy = "categorical_focal", smooth_l1_loss = "smooth_l1",
}

local names = {}
for name in pairs(catalogue) do names[#names + 1] = name end
for name in pairs(aliases) do names[#names + 1] = name end
table.sort(names)
M.names = names
M.aliases = aliases

local reduction_option = {
  name = "reduction", type = "string", default = "mean", doc = "over the samples",
  choices = { "mean", "sum", "none", "sum_over_batch_size", "mean_with_sample_weight" },
}
local scale_option = { name = "scale", type = "number", default = 1, doc = "factor on the loss" }

local function schema_of(name)
  local schema, own = { reduction_option, scale_option }, catalogue[name][4] or {}
  table.move(own, 1, #own, #schema + 1, schema)
  for _, option in ipairs(by_hand.names(name)) do
    schema[#schema + 1] = by_hand.options[option]
  end
  return schema
end

for name in pairs(catalogue) do options.declare("loss." .. name)(schema_of(name)) end

-- What does not go together, of the fields of a loss.
local function together(o)
  if by_hand.wanted(o) and (o.from_logits or o.label_smoothing > 0 or o.class_weight
      or o.ignore_class or o.pos_weight) then
    error(("lossdbg: loss.%s: clip and renormalise are for probabilities as they are, without " ..
      "from_logits, label_smoothing or weights"):format(o.name), source.level())
  end
end

local function new(name, given)
  local checked = options.check("loss." .. name, given, schema_of(name), source.level())
  if checked.reduction == "sum_over_batch_size" then checked.reduction = "mean" end
  local entry = catalogue[name]
  local self = { name = name, family = entry[1], target = entry[2], label_smoothing = 0 }
  for key, value in pairs(checked) do self[key] = value end
  self.by_hand = by_hand.wanted(checked) or nil
  together(self)
  return settings.object(Loss, self)
end

---Losses that depend on what they are fed ("crossentropy") become definite: binary for one output,
---sparse when the labels have no axis (or one of size 1) for the classes, else categorical.
---@param prediction_shape integer[]
---@param target_shape integer[]
---@return lossdbg.Loss
function Loss:for_shapes(prediction_shape, target_shape)
  if self.name ~= "crossentropy" then return self end
  local name = "categorical_crossentropy"
  if prediction_shape[#prediction_shape] == 1 then
    name = "binary_crossentropy"
  elseif #target_shape < #prediction_shape or target_shape[#target_shape] == 1 then
    name = "sparse_crossentropy"
  end
  return new(name, { reduction = self.reduction, from_logits = self.from_logits,
    label_smoothing = self.label_smoothing, scale = self.scale, clip = self.clip,
    renormalise = self.renormalise })
end

---The same loss with some options changed.
---@param changes table
---@return lossdbg.Loss
function Loss:with(changes)
  if self.family == "custom" then return self end
  local given = {}
  for _, option in ipairs(schema_of(self.name)) do given[option.name] = self[option.name] end
  for key, value in pairs(changes) do given[key] = value end
  if changes.from_logits then given.clip, given.renormalise = nil, nil end
  return new(self.name, given)
end

---The plain data that rules and views read.
---@return { name: string, from_logits: boolean|nil, label_smoothing: number, reduction: string }
function Loss:describe()
  local described = { name = self.name, label_smoothing = self.label_smoothing,
    reduction = self.reduction, scale = self.scale ~= 1 and self.scale or nil,
    by_hand = self.by_hand, clip = self.clip, renormalise = self.renormalise,
    broadcast = self.broadcast }
  for _, option in ipairs((catalogue[self.name] or {})[4] or {}) do
    described[option.name] = weighing.plain(option.name, self[option.name])
  end
  return described
end

---Targets in the form the loss computes with: ids as i32, everything else in the prediction's
---dtype.
---@param prediction userdata
---@param target userdata|number[]
---@return userdata target
function Loss:prepare(prediction, target)
  if not options.is_tensor(target) then
    target = tensors.tensor(target, self.target == "index" and "f64" or prediction.dtype)
  end
  return fit_shapes.target(self, prediction, target)
end

---One loss per sample [batch, ...] (the last axis is reduced).
---@param prediction userdata
---@param target userdata|table
---@param for_mean? boolean with class weights or an ignored class: rescaled so that the plain mean
---  is the loss
---@return userdata
function Loss:per_sample(prediction, target, for_mean)
  local where = "loss." .. self.name
  if not options.is_tensor(prediction) then
    options.fail(where, "prediction", "a tensor", prediction, nil, source.level())
  end
  if self.name == "crossentropy" then
    local shape = options.is_tensor(target) and target.shape or { #target }
    return self:for_shapes(prediction.shape, shape):per_sample(prediction, target, for_mean)
  end
  fit_shapes.refuse_swapped(where, prediction, target)
  if self.family ~= "custom" then target = self:prepare(prediction, target) end
  if prediction.rank == 1 and self.family ~= "custom" then
    prediction = prediction:reshape { prediction.numel, 1 }
  end
  local values = self:compute(prediction, target, not for_mean)
  return self.scale == 1 and values or values:mul(self.scale)
end

-- Prepared inputs only: no check, no conversion. What the training loop calls. Without raw the
-- plain mean of the values is the loss, whatever classes weigh or are ignored.
function Loss:compute(prediction, target, raw)
  if self.by_hand then return by_hand.compute(self, prediction, target) end
  return catalogue[self.name][3](self, prediction, target, raw)
end

---Reduces losses per sample. With weights the sum is divided by the number of samples, not by the
---sum of the weights (Keras); with reduction "mean_with_sample_weight" by the sum. A mask leaves
---values out of the mean.
---@param values userdata
---@param weight? userdata one weight a value
---@param mask? userdata 1 for values that count, 0 for the others
---@return userdata
function Loss:reduce(values, weight, mask)
  if values.rank == 0 then return values end
  weight = weighing.masked(self, weight, mask, values.dtype)
  if weight then values = values:mul(weight) end
  if self.reduction == "none" then return values end
  if self.reduction == "sum" then return values:sum() end
  if weight and self.reduction == "mean_with_sample_weight" then
    local total = weight:cast("f64"):sum():item()
    return values:sum():mul(total ~= 0 and 1 / total or 0)
  end
  return values:mean()
end

---@param prediction userdata [batch, outputs]
---@param target userdata|table same shape; class ids 0..K-1 [batch] for sparse_crossentropy
---@param sample_weight? userdata|number[] one weight a sample
---@param mask? userdata|number[] 1 for samples that count, 0 for the others
---@return userdata scalar (or per sample with reduction "none")
function Loss:__call(prediction, target, sample_weight, mask)
  local values
  if self.family == "custom" then -- an error in a user's function keeps its place
    values = self:per_sample(prediction, target, true)
  else
    values = attempt.placed(self.per_sample, self, prediction, target, true)
  end
  local value = self:reduce(values, weighing.fitted(self, sample_weight, values, "sample_weight"),
    weighing.fitted(self, mask, values, "mask"))
  if observers.each then
    observers.tell("loss", self, prediction, target, value, sample_weight or mask)
  end
  return value
end

function Loss:__tostring()
  local parts = { "reduction = " .. self.reduction }
  if self.from_logits then parts[#parts + 1] = "from_logits" end
  if self.label_smoothing > 0 then
    parts[#parts + 1] = ("label_smoothing = %g"):format(self.label_smoothing)
  end
  return ("loss %s { %s }"):format(self.name, table.concat(parts, ", "))
end

local custom_schema = options.declare "loss.custom" {
  { name = "fn", type = "callable", positional = 1, required = true,
    doc = "fn(prediction, target) returns one number or one a sample" },
  { name = "name", type = "string", default = "custom", doc = "for reports" },
  { name = "target", type = "string", choices = { "index", "one_hot", "zero_one", "real" },
    default = "real", doc = "what the targets hold" },
  reduction_option, scale_option,
}

---A loss from any function of prediction and target; its result may be one number, or one a sample.
---@param given { fn: function, name: string|nil, reduction: string|nil } or the function alone
---@return lossdbg.Loss
function M.custom(given)
  local checked = options.check("loss.custom", given, custom_schema, source.level())
  checked.family, checked.label_smoothing = "custom", 0
  if checked.reduction == "sum_over_batch_size" then checked.reduction = "mean" end
  local fn = checked.fn
  checked.fn = nil
  checked.compute = function(_, prediction, target) return fn(prediction, target) end
  return settings.object(Loss, checked)
end

settings.class(Loss, function(values, object)
  local custom = values.family == "custom"
  return { where = "loss." .. values.name,
    schema = custom and { reduction_option, scale_option } or schema_of(values.name),
    check = not custom and together or nil, written = function()
      values.by_hand = not custom and by_hand.wanted(values) or nil
      rawset(object, "class_tensor", nil) -- see weighing
      core.plan.changed()
    end }
end)

---Reads a loss: a name, a loss, `{ name = "huber", delta = 2 }` or a function.
---@param given any
---@param where string for messages
---@return lossdbg.Loss
function M.resolve(given, where)
  if getmetatable(given) == Loss then return given end
  if type(given) == "function" then return M.custom { given } end
  local name, rest = given, nil
  if type(given) == "table" then
    name, rest = given.name or given[1], {}
    for key, value in pairs(given) do
      if key ~= "name" and key ~= 1 then rest[key] = value end
    end
  end
  local canonical = aliases[name] or name
  if type(name) ~= "string" then
    options.fail(where, "loss", "the name of a loss", given, nil, source.level())
  elseif not catalogue[canonical] then
    error(("lossdbg: %s: argument 'loss': unknown loss %s%s"):format(where, options.show(name),
      options.hint(name, names)), source.level())
  end
  return new(canonical, rest)
end

---A loss from a name, a loss, a table or a function; for other parts of the library.
---@param given any
---@return lossdbg.Loss
function M.get(given) return M.resolve(given, "loss") end

for _, name in ipairs(names) do
  local canonical = aliases[name] or name
  M[name] = function(given) return new(canonical, given) end
end

return setmetatable(M, {
  __index = function(_, key)
    if type(key) ~= "string" then return nil end
    error(("lossdbg: loss: unknown loss %s%s"):format(options.show(key),
      options.hint(key, names)), source.level())
  end,
})
