--- What could be reached: a plain recipe beside the run. Standardised inputs and targets, the head
-- and loss that the targets call for, ReLU with He weights, Adam, shuffled rows, as many steps as
-- the run had; and two learners that cost next to nothing, ridge and the nearest training row. All
-- are judged on rows that they did not see: what they reach is there to be learnt.
--
-- It never alarms alone: sound programs are often merely short. It opens the search for a cause
-- and words the verdict.
local attempt = require "lossdbg.support.attempt"
local cheap = require "lossdbg.diagnose.cheap_learners"
local collect = require "lossdbg.diagnose.collect"
local core = require "lossdbg.core"
local inputs = require "lossdbg.data.inputs"
local nn = require "lossdbg.nn"
local row_audit = require "lossdbg.diagnose.row_audit"
local tensors = require "lossdbg.tensor"
local work = require "lossdbg.experiment.trial.trial_work"

local M = {}

--- name = { limit, why }
M.limits = {
  gap = { 0.1, "of skill below the plain recipe: less is what a sound but short run lacks" },
  nothing = { 0.1, "of skill: where a plain recipe finds less, the targets may not follow at all" },
  held_out = { 60, "rows, of which a fifth can be spared to judge by" },
  rows = { 3000, "more bring a plain recipe nothing in so few steps" },
  least_steps = { 200, "a recipe must be given a chance where the run was only started" },
  most_steps = { 800, "enough for a plain recipe on tables; longer runs are not cut short" },
  choice = { 0.3, "of skill through an autoencoder's narrow layer: one that lets less is a fault" },
  flat = { 1024, "numbers a row that two dense layers take in; beyond, filters go first" },
}

local function limit(name) return M.limits[name][1] end

---Whether side tests can still tell something: the recipe reaches clearly more than the run, or it
---finds next to nothing either, so that inputs and targets may be strangers.
---@param reference lossdbg.Reference|nil
---@return boolean
function M.leaves_open(reference)
  if not (reference and reference.gap) then return true end
  return reference.gap > limit "gap" or (reference.skill or 0) < limit "nothing"
end

local units, rate = 64, 3e-3

-- A column that hardly varies in training may leap in validation.
local function bounded(x) return x:clip(-5, 5) end

-- ---- rows --------------------------------------------------------------------------------------

local function permuted(rows, first, last)
  local ids = tensors.zeros(rows.n, "i32")
  core.random.permutation(ids, 0, core.random.stream("reference", 0, 0))
  ids = ids:slice(1, first, last):contiguous()
  return { x = inputs.take(inputs.contiguous(rows.x), ids),
    y = inputs.take(inputs.contiguous(rows.y), ids), n = last - first + 1 }
end

-- Rows to learn from and rows to judge by; the latter are nil where none can be spared.
local function parts(experiment)
  local rows, val = experiment.recipe.train_rows, experiment.recipe.val_rows
  if val then return permuted(rows, 1, math.min(rows.n, limit "rows")), val end
  if rows.n < limit "held_out" then return rows, nil end
  local kept = math.min(rows.n * 4 // 5, limit "rows")
  return permuted(rows, 1, kept), permuted(rows, kept + 1, math.min(rows.n, kept + kept // 4))
end

-- ---- head, targets, network --------------------------------------------------------------------

-- Output layer, loss and kind of task for the targets, in the measure in which the run is judged.
local function head(y, width, measure)
  if measure ~= "r2" then
    if y.kind == "index" and width == 1 and y.classes and y.classes > 1 then
      return nn.dense { math.tointeger(y.max) + 1 }, { name = "sparse_crossentropy",
        from_logits = true }, "multiclass"
    elseif y.kind == "one_hot" then
      return nn.dense { width }, { name = "categorical_crossentropy", from_logits = true },
        "multiclass"
    elseif y.kind == "zero_one" or y.kind == "plus_minus_one" then
      return nn.dense { width }, { name = "binary_crossentropy", from_logits = true },
        width > 1 and "multilabel" or "binary"
    end
  end
  return nn.dense { width }, "mse", "regression"
end

local function targets(y, loss, audit, width)
  local n = y.shape[1]
  if loss.name == "sparse_crossentropy" then return y:cast("i32"):reshape { n } end
  y = y:cast("f32"):reshape { n, width }
  return audit.kind == "plus_minus_one" and loss ~= "mse" and y:add(1):mul(0.5) or y
end

local function product(shape)
  local n = 1
  for i = 2, #shape do n = n * shape[i] end
  return n
end

-- Width that everything passes through in a network whose targets are its inputs: a choice, so that
-- the recipe has it as well.
local function neck_of(experiment, rows)
  if inputs.is_several(rows.x) or not row_audit.mirrored(rows.x, rows.y) then return nil end
  local least = product(rows.x.shape)
  for _, layer in ipairs(experiment:description().layers) do
    local shape = layer.output_shape
    local width = type(shape) == "table" and type(shape[1]) == "number"
      and product { 1, table.unpack(shape) }
    if width and width < least then least = width end
  end
  return least < product(rows.x.shape) and least or nil
end

-- Layers up to the head for inputs of one shape.
local function body(x, neck)
  local he, width = "he_normal", product(x.shape)
  local function dense() return nn.dense { units, "relu", init = he } end
  if x.dtype == "i32" then
    local words = math.tointeger(x:max():item()) + 1
    if x:min():item() < 0 or words > 20000 then
      return nil, "the inputs are ids of no vocabulary"
    end
    if x.rank == 1 then return nil, "the inputs are single ids" end
    return { nn.embedding { words, 16 }, nn.flatten(), dense(), dense() }
  end
  local first = { nn.normalization { adapt = true }, nn.lambda(bounded) }
  if x.rank == 4 and width > limit "flat" then
    table.insert(first, nn.conv2d { 12, 3, "relu", strides = 2, padding = "same", init = he })
    table.insert(first, nn.conv2d { 24, 3, "relu", strides = 2, padding = "same", init = he })
  elseif x.rank == 3 and width > limit "flat" then
    table.insert(first, nn.conv1d { 16, 5, "relu", strides = 2, padding = "same", init = he })
    table.insert(first, nn.conv1d { 32, 5, "relu", strides = 2, padding = "same", init = he })
  end
  for _, layer in ipairs { nn.flatten(), dense(), neck and nn.dense { neck } or dense() } do
    first[#first + 1] = layer
  end
  if neck then first[#first + 1] = dense() end
  return first
end

local function blocked(experiment, rows)
  for _, x in ipairs(inputs.list(rows.x)) do
    if inputs.is_several(rows.x) and x.dtype == "i32" then return "some inputs are ids" end
  end
  if inputs.is_several(rows.y) then return "the model has several outputs" end
  if #experiment:description().output_shape > 1 and rows.y.rank > 1
    and rows.y.dtype == "i32" then
    return "the targets are sequences of ids"
  end
  local x = cheap.joined(rows.x)
  if x.dtype ~= "i32" and x:has_nonfinite() then return "inputs are not finite" end
end

-- ---- learners ----------------------------------------------------------------------------------

local function steps_of(own)
  return math.max(limit "least_steps", math.min(limit "most_steps", work.steps(own)))
end

local function network(experiment, train, held, head_of, neck)
  local output, loss, kind = head_of()
  local layers, why = body(train.x, neck)
  if not layers then return nil, why end
  layers[#layers + 1] = output
  local own = experiment:description()
  local steps = steps_of(own)
  local batch = math.max(16, math.min(64, own.batch))
  local run = experiment:with {
    train = { x = train.x, y = train.y }, val = held and { x = held.x, y = held.y } or false,
    loss = loss, task = kind, model = nn.sequential(layers),
    optimizer = { name = "adam", lr = rate }, batch = batch, shuffle = true,
    epochs = math.ceil(steps * batch / train.n), max_steps = steps, metrics = false,
    callbacks = false, early_stopping = false, class_weight = false, fuse = true,
    target = kind == "regression" and "standardize" or "as_is", schedule = false,
    clip_norm = false, clip_value = false, global_clip_norm = false, dtype = "f32",
  }:fit { verbose = 0 }
  local skill = run.signals.task_skill or {}
  local level = held and run.signals.val_skill or run.signals.skill
  skill = held and skill.val or skill.train
  if not skill then return nil, "its skill could not be measured" end
  return skill, level and level.value
end

---@class lossdbg.Reference
---@field name string
---@field skill number of the best learner, on rows that it did not see
---@field network number
---@field level number? skill of the network's loss against the best constant answer
---@field nearest number?
---@field linear number?
---@field held_out boolean whether there were rows to spare
---@field neck integer? width that it keeps because the run's own network, an autoencoder, has it
---@field own number? skill of the run, the lower of training and validation
---@field gap number? skill - own

---@param experiment lossdbg.Experiment
---@param run lossdbg.Run
---@return lossdbg.Reference?
---@return string? reason
function M.run(experiment, run)
  local rows = experiment.recipe.train_rows
  local why = blocked(experiment, rows)
  if why then return nil, why end
  local audit = collect.audit({ x = cheap.joined(rows.x), y = rows.y }, nil, nil).y
  if audit.constant or audit.nonfinite.count > 0 then
    return nil, "the targets are constant, or not finite"
  end
  local width = rows.y.numel // rows.n
  local own = run.signals.task_skill or {}
  local function head_of() return head(audit, width, own.measure) end
  local _, loss = head_of()
  local train, held = parts(experiment)
  for _, part in ipairs { train, held } do
    part.x, part.y = cheap.joined(part.x), targets(part.y, loss, audit, width)
  end
  local neck = neck_of(experiment, rows)
  local skill, level = network(experiment, train, held, head_of, neck)
  if neck and skill and skill < limit "choice" then
    neck, skill, level = nil, network(experiment, train, held, head_of)
  end
  if not skill then return nil, level end
  local near, line
  if train.x.dtype ~= "i32" and not neck then
    near = held and cheap.nearest(train, held, loss, audit.max)
    line = cheap.ridge(train, held or train, loss, audit.max)
  end
  local best, lower = math.max(skill, near or skill, line or skill), own.train
  if own.val and (own.val_rows or 0) >= 20 then lower = math.min(lower or own.val, own.val) end
  local name = best == skill and ("a plain network (standardised, %s ReLU, Adam)"):format(
    neck and ("%d-%d-%d"):format(units, neck, units) or "2 x " .. units)
    or best == near and "the nearest training row" or "a linear model (ridge)"
  return { name = name, skill = best, network = skill, nearest = near, linear = line, neck = neck,
    level = level, held_out = held ~= nil, own = lower, gap = lower and best - lower or nil }
end

--- Nominal seconds that the recipe takes.
---@param experiment lossdbg.Experiment
---@return number
function M.work(experiment)
  local own = experiment:description()
  local inputs_of = own.input_shape
  local width = 1
  for _, n in ipairs(type(inputs_of) == "table" and inputs_of or {}) do
    width = width * (type(n) == "number" and n or 1)
  end
  return work.of { n_train = own.n_train, batch = math.max(16, math.min(64, own.batch)),
    epochs = steps_of(own), steps_per_epoch = 1, layers = { { kind = "dense",
      n_parameters = math.min(width, 4 * limit "flat") * units + units * units,
      output_shape = { units } } } }
end

--- As run; what raises (a layer of the user's that takes no such rows) is a reason, not an error.
---@param experiment lossdbg.Experiment
---@param run lossdbg.Run
---@return lossdbg.Reference?
---@return string? reason
function M.try(experiment, run)
  local ok, reference, why = attempt.call(M.run, experiment, run)
  if ok then return reference, why end
  return nil, tostring(reference)
end

return M
