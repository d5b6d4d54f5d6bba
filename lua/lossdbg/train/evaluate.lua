--- Loss and metrics of a model on rows, outside training.
local inputs = require "lossdbg.data.inputs"
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local M = {}

---@class lossdbg.Judge  how outputs are judged
---@field loss lossdbg.Loss         on logits when logits is set
---@field logits lossdbg.Layer|nil  last layer, when its softmax or sigmoid is left to the loss
---@field metrics lossdbg.Metric[]
---@field scale { mean: userdata, deviation: userdata }|nil of standardised targets
---@field crossed boolean|nil the loss takes the logits for those of another activation

local function finish(judge, output)
  local last = judge.logits
  return last and last.activation.apply(output) or output
end

---Feeds the metrics with one batch.
---@param judge lossdbg.Judge
---@param output userdata logits when judge.logits is set
---@param y userdata
function M.update_metrics(judge, output, y)
  for _, metric in ipairs(judge.metrics) do
    if not judge.crossed and (metric.takes_logits or judge.plain) then
      metric:update(output, y, judge.logits ~= nil or judge.loss.from_logits == true)
    else
      local shown, target = finish(judge, output), y
      if judge.scale then
        shown = shown:mul(judge.scale.deviation):add(judge.scale.mean)
        target = y:mul(judge.scale.deviation):add(judge.scale.mean)
      end
      metric:update(shown, target, false)
    end
  end
end

---@param model lossdbg.Model
---@param rows { x: userdata, y: userdata }
---@param judge lossdbg.Judge
---@param batch integer
---@return number loss with penalties, as reported in training
---@return table<string, number> metrics by name
---@return number data_loss without penalties
function M.rows(model, rows, judge, batch)
  local sum, extra, n = 0, 0, inputs.count(rows.x)
  local context = { training = false, logits = judge.logits }
  context.activity = function(layer, output)
    extra = extra + layer.options.activity_regularizer(output):item() / n
  end
  for _, metric in ipairs(judge.metrics) do metric:reset() end
  local penalty = tensors.no_grad(function()
    for first = 1, n, batch do
      local last = math.min(first + batch - 1, n)
      local y = inputs.slice(rows.y, first, last)
      local output = model:forward(inputs.slice(rows.x, first, last), context)
      local value = judge.loss:reduce(judge.loss:compute(output, y))
      if judge.loss.scale ~= 1 then value = value:mul(judge.loss.scale) end
      if value.rank > 0 then value = value:mean() end
      sum = sum + value:item() * (last - first + 1)
      M.update_metrics(judge, output, y)
    end
    local term = model:penalty()
    return term and term:item() or 0
  end)
  local values = {}
  for _, metric in ipairs(judge.metrics) do values[metric.name] = metric:value() end
  return sum / n + penalty + extra, values, sum / n
end

local cross_entropies = { sparse_crossentropy = "softmax", categorical_crossentropy = "softmax",
  binary_crossentropy = "sigmoid" }

---The judge of a model and a loss: with a softmax or sigmoid at the end and a loss on its
---probabilities, the loss is computed from the logits, as Keras does silently; the description of
---the model and the loss stay as they were written. With fuse = "any" also where they do not fit,
---as Keras does on TensorFlow: a binary cross-entropy behind a softmax takes its logits for those
---of a sigmoid, while the metrics see the softmax.
---@param model lossdbg.Model
---@param loss lossdbg.Loss
---@param metrics lossdbg.Metric[]
---@param fuse boolean|"any"
---@return lossdbg.Judge
function M.judge(model, loss, metrics, fuse)
  local last = model:output_layer()
  local name = last and last.activation and last.activation.name
  local fits = (name == "softmax" and last.activation.parameter == -1
      and (loss.name == "sparse_crossentropy" or loss.name == "categorical_crossentropy"))
    or (name == "sigmoid" and loss.name == "binary_crossentropy")
  local judge = { loss = loss, metrics = metrics }
  if fuse == "any" and not fits and cross_entropies[loss.name]
    and (name == "sigmoid" or name == "softmax") and not loss.by_hand then
    fits, judge.crossed = true, cross_entropies[loss.name] ~= name or nil
  end
  if fuse ~= false and fits and not loss.from_logits and not loss.by_hand then
    judge.loss, judge.logits = loss:with { from_logits = true }, last
  end
  return judge
end

local schema = options.declare "experiment:evaluate" {
  { name = "loss", type = "string|table|function", required = true,
    doc = "a name, a table or a loss" },
  { name = "metrics", type = "table", default = {},
    doc = "list of names or metrics" },
  { name = "batch", type = "integer", min = 1, default = 256,
    doc = "rows computed at a time" },
}

---What model:evaluate does.
---@param model lossdbg.Model
---@param data any
---@param given table
---@return table<string, number>
function M.model(model, data, given)
  local where = "model:evaluate"
  local checked = options.check(where, given, schema, source.level())
  local fit_data, metric = require "lossdbg.train.fit_data", require "lossdbg.metric"
  local several = require "lossdbg.train.loss_set"
  local keys, rows = several.keys(model.description), fit_data.read(data, "data")
  local loss = fit_data.loss_for(keys and several.resolve(checked.loss, nil, keys, where)
    or require("lossdbg.loss").resolve(checked.loss, where), model, rows)
  local y, metrics = fit_data.target(loss, rows.y, model.output_shape, model.dtype, "data"), {}
  for i, name in ipairs(checked.metrics) do metrics[i] = metric.resolve(name, where) end
  if loss.parts then metrics = loss:metrics({ metrics = checked.metrics }, y) end
  local judge = M.judge(model, loss, metrics, true)
  local part = { x = fit_data.as(rows.x, model.dtype), y = y }
  local total, values = M.rows(model, part, judge, checked.batch)
  values.loss = total
  return values
end

return M
