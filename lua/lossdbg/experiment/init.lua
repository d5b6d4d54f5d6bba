--- Experiment: the whole recipe of a training, immutable. `with` makes changed ones, `fit` runs it.
local contract = require "lossdbg.experiment.contract"
local baseline = require "lossdbg.train.baseline"
local callback = require "lossdbg.train.callback"
local evaluate = require "lossdbg.train.evaluate"
local fit_data = require "lossdbg.train.fit_data"
local losses = require "lossdbg.loss"
local loss_several = require "lossdbg.train.loss_set"
local metric = require "lossdbg.metric"
local nn = require "lossdbg.nn.sequential"
local layers = require "lossdbg.nn.layer"
local models, adopt = require "lossdbg.nn.model", require("lossdbg.nn.model_state").adopt
local optim = require "lossdbg.optim"
local options = require "lossdbg.support.options"
local row_weights = require "lossdbg.train.row_weights"
local in_fit = require "lossdbg.experiment.contract.in_fit"
local source = require "lossdbg.support.source"
local upper = require "lossdbg.support.upper"
local task = require "lossdbg.train.task"

local M = {}

local schema = options.declare "experiment" {
  { name = "train", required = true, doc =
    "a data set or { x, y }; ld.data.csv returns nil and a message when it fails: use assert" },
  { name = "val", alias = "validation", doc = "a data set or { x, y }" },
  { name = "model", type = "table", required = true, doc = "layers" },
  { name = "loss", type = "string|table|function", required = true,
    doc = "for several outputs a list or table by name" },
  { name = "loss_weights", type = "table", doc = "factor of the loss of each output" },
  { name = "optimizer", type = "string|table|function", default = "adam",
    doc = "a name, { name = \"sgd\", lr = 0.1 } or an optimiser" },
  { name = "schedule", type = "number|table|callable", doc = "of the learning rate" },
  { name = "batch", type = "integer", alias = "batch_size", min = 1, default = 32,
    doc = "rows a step" },
  { name = "epochs", type = "integer", min = 1, default = 1,
    doc = "passes over the training rows" },
  { name = "max_steps", type = "integer", min = 1, doc = "ends the training earlier" },
  { name = "seed", type = "integer", min = 0, default = 0,
    doc = "of weights, order and noise" },
  { name = "shuffle", type = "boolean", default = true,
    doc = "another order of the rows every epoch" },
  { name = "metrics", type = "table", doc = "default: accuracy, or r2 and mae for regression" },
  { name = "callbacks", type = "table",
    doc = "list of callbacks, see callback" },
  { name = "early_stopping", type = "table|boolean", doc = "options of callback.early_stopping" },
  { name = "class_weight", type = "table", doc = "class id (0, 1, ...) to weight" },
  { name = "clip_norm", type = "number", alias = "clipnorm", open_min = 0,
    doc = "largest norm of each gradient" },
  { name = "clip_value", type = "number", alias = "clipvalue", open_min = 0,
    doc = "largest element of a gradient" },
  { name = "global_clip_norm", type = "number", alias = "global_clipnorm", open_min = 0,
    doc = "largest norm of all gradients together" },
  { name = "target", type = "string", choices = { "as_is", "standardize" }, default = "as_is",
    doc = "standardize: the targets of a regression, with the training rows" },
  { name = "task", type = "string",
    choices = { "binary", "multiclass", "multilabel", "regression" }, doc = "default: inferred" },
  { name = "fuse", type = "boolean|string", default = true, choices = { "any" },
    doc = "compute a cross-entropy after softmax or sigmoid from the logits; any: of either" },
  { name = "terminate_on_nan", type = "boolean", default = true,
    doc = "stop at the first loss that is not finite" },
  { name = "dtype", type = "string", choices = { "f32", "f64" }, default = "f32",
    doc = "of data, weights and computation" },
  { name = "verbose", type = "integer|boolean", doc = "0: silent; default: only on a terminal" },
  { name = "name", type = "string",
    doc = "for reports" },
}

---@class lossdbg.Experiment
---@field recipe table checked options
local Experiment = { __name = "lossdbg.experiment" }

function Experiment.__index(self, key)
  local method = Experiment[key]
  if method ~= nil then return method end
  return rawget(self, "recipe")[key]
end

function Experiment.__newindex(_, key)
  error(("lossdbg: experiment: '%s' cannot be set: experiments do not change; " ..
    "use experiment:with { %s = ... }"):format(tostring(key), tostring(key)), 2)
end

function M.is_experiment(value)
  return type(value) == "table" and getmetatable(value) == Experiment
end

local function read_model(value)
  if models.is_model(value) then return value.description, value end
  if nn.is_block(value) then return value.kind == "residual" and nn.describe { value } or value end
  if layers.is_description(value) then return nn.describe { value } end
  if type(value[1]) == "table" or type(value[1]) == "string" then return nn.describe(value) end
  options.fail("experiment", "model", "nn.sequential { ... } or nn.graph { ... }", value, nil,
    source.level())
end

-- Rows of a part; read once, however often the experiment is patched.
local function read_rows(recipe, name)
  local value, read = recipe[name], recipe.read or {}
  recipe.read = read
  if value == nil then return nil end
  if not read[name] or read[name].value ~= value then
    recipe.read = { train = read.train, val = read.val }
    recipe.read[name] = { value = value, rows = fit_data.read(value, name) }
  end
  return recipe.read[name].rows
end

-- Everything that can be checked before a model exists.
local function check(recipe)
  recipe.train_rows = read_rows(recipe, "train") or fit_data.read(recipe.train, "train")
  recipe.val_rows = read_rows(recipe, "val")
  if recipe.val_rows then fit_data.check_same_shape(recipe.train_rows, recipe.val_rows) end
  local built
  recipe.model, built = read_model(recipe.model)
  recipe.initial = built or recipe.initial
  local keys = loss_several.keys(recipe.model)
  if keys then
    recipe.loss = loss_several.resolve(recipe.loss, recipe.loss_weights, keys, "experiment")
  else
    recipe.loss = losses.resolve(recipe.loss, "experiment")
  end
  recipe.optimizer = optim.resolve(recipe.optimizer, "experiment")
  recipe.callbacks = callback.internal.check(recipe.callbacks, "experiment")
  if recipe.early_stopping then
    callback.early_stopping(recipe.early_stopping ~= true and recipe.early_stopping or nil)
  end
  for i, given in ipairs(recipe.metrics or {}) do -- those by name are read with their outputs
    local made = metric.resolve(given, "experiment")
    if made == given then
      error(("lossdbg: experiment: argument 'metrics': item %d is a metric object: give its " ..
        "name, so that every run starts its own"):format(i), source.level())
    end
  end
  return recipe
end

-- What was prepared for another experiment serves this one when nothing it depends on has changed.
local function inherited(recipe, parent)
  local old = parent and rawget(parent, "cache").prepared
  if not old then return nil end
  for _, key in ipairs { "model", "initial", "train_rows", "val_rows", "loss", "target", "task",
    "class_weight", "dtype" } do
    if recipe[key] ~= parent.recipe[key] then return nil end
  end
  if recipe.seed == parent.recipe.seed then return old end
  local p = {}
  for key, value in pairs(old) do p[key] = value end
  return p, true
end

---Makes an experiment from checked or patched options. For `with`.
---@param recipe table
---@param parent? lossdbg.Experiment
---@return lossdbg.Experiment
function M.from_recipe(recipe, parent)
  local self = setmetatable({ recipe = check(recipe), cache = {} }, Experiment)
  local p, other_seed = inherited(recipe, parent)
  if p and other_seed then p.model = self:build() end
  self.cache.prepared = p
  return self
end

---`ld.experiment { train = , model = , loss = , ... }`
---@param given table
---@return lossdbg.Experiment
function M.new(given)
  return M.from_recipe(options.check("experiment", given, schema, source.level()))
end

M.schema = schema

---A fresh model: its weights depend only on the seed, the paths of the layers and the names of the
---parameters.
---@param seed? integer default: the experiment's
---@return lossdbg.Model
function Experiment:build(seed)
  local recipe, known = self.recipe, rawget(self, "cache").prepared
  if known and (seed == nil or seed == recipe.seed) and known.model.seed == recipe.seed then
    return known.model:clone()
  end
  local rows = recipe.train_rows
  local model = recipe.model:build(fit_data.sample_shape(rows),
    { seed = seed or recipe.seed, dtype = recipe.dtype, adapt = rows.x })
  if recipe.initial then adopt(model, recipe.initial) end
  return model
end

---@class lossdbg.Prepared
---@field train { x: userdata, y: userdata, n: integer, weight: userdata|nil }
---@field val { x: userdata, y: userdata, n: integer }|nil
---@field loss lossdbg.Loss made definite
---@field task { kind: string, classes: integer|nil }
---@field baseline lossdbg.Baseline|nil
---@field scale { mean: userdata, deviation: userdata }|nil of standardised targets
---@field model lossdbg.Model untrained, of the experiment's seed

-- What does not depend on the seed: the loss made definite, targets, task, baseline. Made once.
local function prepared(self)
  local cache, recipe = rawget(self, "cache"), self.recipe
  if cache.prepared then return cache.prepared end
  local model, rows = self:build(), recipe.train_rows
  local loss = fit_data.loss_for(recipe.loss, model, rows)
  local p = { model = model, loss = loss }
  p.train = { x = fit_data.as(rows.x, model.dtype), n = rows.n,
    y = fit_data.target(loss, rows.y, model.output_shape, model.dtype, "train") }
  if recipe.val_rows then
    p.val = { x = fit_data.as(recipe.val_rows.x, model.dtype), n = recipe.val_rows.n,
      y = fit_data.target(loss, recipe.val_rows.y, model.output_shape, model.dtype, "val") }
  end
  if loss.parts then loss:check_recipe(recipe) end
  p.train.weight = row_weights.of(p.train.y, loss, recipe, model)
  p.task = task.infer(recipe, loss, model, p.train.y)
  if recipe.target == "standardize" and p.task.kind == "regression" then
    p.scale = fit_data.target_scale(p.train.y)
    for _, part in ipairs { p.train, p.val } do
      part.y = part.y:sub(p.scale.mean):div(p.scale.deviation)
    end
  end
  p.baseline = baseline.of(loss, p.train.y, model.output_shape[#model.output_shape])
  cache.prepared = p
  return p
end

---Data, definite loss, task and baseline in the form that the loop and the diagnosis compute with.
---@return lossdbg.Prepared
function Experiment:prepared() return prepared(self) end

---A fresh judge (loss, logits, metrics) for a model of this experiment.
---@param model lossdbg.Model
---@return lossdbg.Judge
function Experiment:judge(model)
  if not models.is_model(model) then
    options.fail("experiment:judge", "model", "a built model", model, nil, source.level())
  end
  local p, metrics = prepared(self), {}
  if p.loss.parts then
    metrics = p.loss:metrics(self.recipe, p.train.y)
  else
    local names = self.recipe.metrics or task.default_metrics(p.task, p.loss)
    for i, name in ipairs(names) do metrics[i] = metric.resolve(name, "experiment") end
  end
  local judge = evaluate.judge(model, p.loss, metrics, self.recipe.fuse)
  judge.scale = p.scale
  return judge
end

---The plain description that rules and views read.
---@return table
function Experiment:description()
  local cache = rawget(self, "cache")
  cache.description = cache.description
    or require("lossdbg.train.describe").experiment(self.recipe, prepared(self))
  return cache.description
end

---Trains a fresh model.
---@param given? lossdbg.FitOptions verbose, epochs, max_steps, on_step, callbacks, telemetry
---@return lossdbg.Run
function Experiment:fit(given)
  if type(given) == "table" then contract.check_list(given.contracts, "fit") end
  return require("lossdbg.train.trainer").fit(self, given, in_fit)
end

---A changed experiment; this one stays as it is.
---@param patch table a patch, a list of patches, or a fix of a finding
---@return lossdbg.Experiment
function Experiment:with(patch)
  return M.from_recipe(require("lossdbg.experiment.patch").apply(self.recipe, patch), self)
end

---Experiments that differ in one option: `experiment:vary("batch", { 8, 32 })`, or in a patch per
---value: `experiment:vary("lr", { 0.1, 0.01 })`, `"optimizer.momentum"`, `"init"`.
---@param name string
---@param values any[]
---@return lossdbg.Grid
function Experiment:vary(name, values)
  return require("lossdbg.experiment.grid").new(self, name, values)
end

---Looks for the cause of a loss that does not fall, and tries the fixes.
---@param given? table see lossdbg.diagnose
---@return table diagnosis
function Experiment:diagnose(given)
  return upper.diagnose.run(self, given)
end

function Experiment:__tostring()
  local d = self:description()
  return ("experiment: %d rows, %d layers, %d parameters, %s, %s lr %s, batch %d, %d epochs, " ..
    "seed %d"):format(d.n_train, #d.layers, d.n_parameters, d.loss.name, d.optimizer.name,
    tostring(d.optimizer.lr), d.batch, d.epochs, d.seed)
end

return M
