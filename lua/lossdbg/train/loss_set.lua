--- The loss of a model with several outputs: the weighted sum of one loss an output.
--   loss = { class = "sparse_crossentropy", size = "mse" }, loss_weights = { size = 0.1 }
--   loss = { "mse", "mae" } for outputs in a list, loss = "mse" for the same everywhere
local inputs = require "lossdbg.data.inputs"
local losses = require "lossdbg.loss"
local metric = require "lossdbg.metric"
local options = require "lossdbg.support.options"
local reads = require "lossdbg.tensor.reads"
local source = require "lossdbg.support.source"
local task = require "lossdbg.train.task"
local tensors = require "lossdbg.tensor"

local M = {}

---@class lossdbg.LossSet
---@field name "several"
---@field family "custom"
---@field reduction "mean"
---@field parts { key: string|integer, loss: lossdbg.Loss, weight: number, shape: integer[]|nil }[]

local LossSet = { __name = "lossdbg.loss_set" }
LossSet.__index = LossSet
reads.kind(LossSet, {})

local function new(parts)
  return setmetatable({ name = "several", family = "custom", reduction = "mean", scale = 1,
    label_smoothing = 0, parts = parts }, LossSet)
end

---The keys of the outputs of a model description: names, or places in a list; nil for one output
---without a name.
---@param description table
---@return (string|integer)[]|nil
function M.keys(description)
  if description.kind ~= "graph" then return nil end
  if #description.outputs == 1 and not description.named_outputs then return nil end
  local keys = {}
  for i, output in ipairs(description.outputs) do keys[i] = output.name or i end
  return keys
end

local function check_keys(given, keys, name, where)
  local known, texts = {}, {}
  for i, key in ipairs(keys) do known[key], texts[i] = true, tostring(key) end
  for key in pairs(given) do
    if not known[key] then
      error(("lossdbg: %s: argument '%s': the model has no output %s%s"):format(where, name,
        options.show(key), options.hint(key, texts)), source.level())
    end
  end
end

-- A table with an entry per output, or one entry for all.
local function per_output(given, keys)
  if type(given) ~= "table" or getmetatable(given) ~= nil or given.name ~= nil then return false end
  if type(keys[1]) == "string" then return given[1] == nil end
  return #given > 1
end

local function read_part(given, where)
  local loss = losses.resolve(given, where)
  if loss.reduction ~= "mean" then
    options.fail(where, "loss", "reduction \"mean\" of every output", loss.reduction, nil,
      source.level())
  end
  return loss
end

---@param given any
---@param weights table|nil
---@param keys (string|integer)[]
---@param where string
---@return lossdbg.LossSet
function M.resolve(given, weights, keys, where)
  weights = weights or {}
  check_keys(weights, keys, "loss_weights", where)
  local old, parts, each = {}, {}, per_output(given, keys)
  if getmetatable(given) == LossSet then
    for _, part in ipairs(given.parts) do old[part.key] = part.loss end
    given, each = old, true
  end
  if each then check_keys(given, keys, "loss", where) end
  for i, key in ipairs(keys) do
    local one = given
    if each then one = given[key] end
    if one == nil then
      error(("lossdbg: %s: argument 'loss': there is none for the output '%s'"):format(where,
        tostring(key)), source.level())
    end
    local weight = weights[key] or 1
    if type(weight) ~= "number" or not (weight >= 0 and weight < math.huge) then
      options.fail(where, "loss_weights", "a number >= 0 an output", weight, nil, source.level())
    end
    parts[i] = { key = key, loss = read_part(one, where), weight = weight }
  end
  return new(parts)
end

---The losses for the shapes of a model's outputs and of the targets.
---@param model lossdbg.Model
---@param y lossdbg.Inputs
---@return lossdbg.LossSet
function LossSet:for_model(model, y)
  local parts = {}
  for i, part in ipairs(self.parts) do
    local target = inputs.is_several(y) and y[part.key]
    if not target then
      options.fail("experiment", "y", ("targets for the output '%s'"):format(tostring(part.key)),
        target or nil, "y is a list or a table by name, as the outputs", source.level())
    end
    local shape = model.output_shapes[i]
    parts[i] = { key = part.key, weight = part.weight, shape = shape,
      loss = part.loss:for_shapes({ target.shape[1], table.unpack(shape) }, target.shape) }
  end
  return new(parts)
end

---Raises for options of an experiment that speak of one output.
---@param recipe table
function LossSet:check_recipe(recipe)
  local name = recipe.class_weight and "class_weight" or recipe.target ~= "as_is" and "target"
  if name then
    options.fail("experiment", name, "a model with one output", recipe[name],
      ("this one has %d"):format(#self.parts), source.level())
  end
end

---Targets in the form that the losses compute with.
---@param y lossdbg.Inputs
---@param dtype string
---@param name string
---@return lossdbg.Inputs
function LossSet:targets(y, dtype, name)
  local target, by_key = require("lossdbg.train.fit_data").target, {}
  for _, part in ipairs(self.parts) do
    if not (inputs.is_several(y) and y[part.key]) then
      options.fail("experiment", name, ("targets for the output '%s'"):format(tostring(part.key)),
        nil, nil, source.level())
    end
    by_key[part.key] = target(part.loss, y[part.key], part.shape, dtype,
      ("%s.y.%s"):format(name, part.key))
  end
  return inputs.read(by_key, function(tensor) return tensor end)
end

local function per_sample(loss, prediction, target)
  local values = loss:compute(prediction, target)
  if loss.scale ~= 1 then values = values:mul(loss.scale) end
  if values.rank > 1 then values = values:reshape({ values.shape[1], -1 }):mean(2) end
  return values
end

---Weighted sum of the losses, one a sample.
---@param output table as the model returns it
---@param y lossdbg.Inputs
---@return userdata [batch]
function LossSet:compute(output, y)
  local total
  for _, part in ipairs(self.parts) do
    local values = per_sample(part.loss, output[part.key], y[part.key])
    if part.weight ~= 1 then values = values:mul(part.weight) end
    total = total and total:add(values) or values
  end
  return total
end

---@param values userdata
---@param weight? userdata one weight a sample
---@return userdata
function LossSet:reduce(values, weight)
  if weight and values.rank > 0 then values = values:mul(weight) end
  return values.rank > 0 and values:mean() or values
end

---Other losses for some outputs.
---@param changes table<string|integer, any>
---@return lossdbg.LossSet
function LossSet:with(changes)
  local keys, given, weights = {}, {}, {}
  for i, part in ipairs(self.parts) do
    keys[i], given[part.key], weights[part.key] = part.key, part.loss, part.weight
  end
  check_keys(changes, keys, "loss", "experiment:with")
  for key, value in pairs(changes) do given[key] = value end
  return M.resolve(given, weights, keys, "experiment:with")
end

---@return table
function LossSet:describe()
  local parts = {}
  for i, part in ipairs(self.parts) do
    parts[i] = part.loss:describe()
    parts[i].output, parts[i].weight = part.key, part.weight
  end
  return { name = "several", reduction = "mean", label_smoothing = 0, parts = parts }
end

function LossSet:__tostring()
  local parts = {}
  for i, part in ipairs(self.parts) do
    parts[i] = ("%s = %s x %g"):format(part.key, part.loss.name, part.weight)
  end
  return "losses { " .. table.concat(parts, ", ") .. " }"
end

-- ---- metrics of one output ---------------------------------------------------------------------

local function wrapped(part, inner)
  return {
    name = ("%s_%s"):format(part.key, inner.name), mode = inner.mode, takes_logits = true,
    reset = function() inner:reset() end,
    value = function() return inner:value() end,
    update = function(_, output, y)
      inner:update(output[part.key], y[part.key], inner.takes_logits and part.loss.from_logits)
    end,
  }
end

local function loss_metric(part)
  local sum, n = 0, 0
  return {
    name = part.key .. "_loss", mode = "min", takes_logits = true,
    reset = function() sum, n = 0, 0 end,
    value = function() return n > 0 and sum / n or 0 / 0 end,
    update = function(_, output, y)
      tensors.no_grad(function()
        local values = per_sample(part.loss, output[part.key], y[part.key])
        local rows = y[part.key].shape[1]
        sum, n = sum + (values.rank > 0 and values:mean() or values):item() * rows, n + rows
      end)
    end,
  }
end

local function names_of(self, part, recipe, y, given)
  if given then return per_output(given, { part.key }) and given[part.key] or given end
  local outer = { output_shape = part.shape, output_layer = function() end }
  local rows = { train_rows = { y = y[part.key] } }
  return task.default_metrics(task.infer(rows, part.loss, outer, y[part.key]), part.loss), self
end

---Loss and metrics of every output, named "output_metric".
---@param recipe table
---@param y lossdbg.Inputs prepared targets
---@return table[]
function LossSet:metrics(recipe, y)
  local list, given = {}, recipe.metrics
  for _, part in ipairs(self.parts) do
    list[#list + 1] = loss_metric(part)
    local names = names_of(self, part, recipe, y, given)
    if type(names) ~= "table" then names = { names } end
    for _, name in ipairs(names) do
      list[#list + 1] = wrapped(part, metric.resolve(name, "experiment"))
    end
  end
  return list
end

return M
