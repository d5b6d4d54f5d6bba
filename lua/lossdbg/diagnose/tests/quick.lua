--- What does a plain recipe reach on the same rows? Standardised inputs, two hidden layers of 64
-- ReLU units with He weights, Adam, and the output and loss that the targets themselves call for.
-- If it does much better, the data can be learnt and the network or its configuration is in the
-- way.

local nn = require "lossdbg.nn"
local collect = require "lossdbg.diagnose.collect"
local inputs = require "lossdbg.data.inputs"

local M = { id = "quick", what = "a plain recipe on the same data" }

local units, steps, rate = 64, 1500, 3e-3

-- A column that hardly varies in training may leap in validation.
local function bounded(x) return x:clip(-5, 5) end

-- Output layer and loss for the kind of targets that the audit saw.
local function head(y, width)
  if y.kind == "index" and y.classes and y.classes > 1 and width == 1 then
    return nn.dense { math.tointeger(y.max) + 1 }, { name = "sparse_crossentropy",
      from_logits = true }, "multiclass"
  elseif y.kind == "one_hot" then
    return nn.dense { width }, { name = "categorical_crossentropy", from_logits = true },
      "multiclass"
  elseif y.kind == "zero_one" then
    return nn.dense { width }, { name = "binary_crossentropy", from_logits = true },
      width > 1 and "multilabel" or "binary"
  end
  return nn.dense { width }, "mse", "regression"
end

local function targets(y, kind, width)
  if kind == "multiclass" and width == 1 then return y:cast("i32"):reshape { #y } end
  return y:cast("f32"):reshape { #y, width }
end

local function part(rows, kind, width)
  if not rows then return false end
  return { x = inputs.columns(rows.x):reshape { rows.n, -1 }, y = targets(rows.y, kind, width) }
end

---@param experiment lossdbg.Experiment
---@return { name: string, skill: number }?
---@return string? reason
function M.run(experiment)
  local rows, val = experiment.recipe.train_rows, experiment.recipe.val_rows
  for _, x in ipairs(inputs.list(rows.x)) do
    if x.dtype == "i32" then return nil, "the inputs are ids" end
  end
  if inputs.is_several(rows.y) then return nil, "the model has several outputs" end
  local y = collect.audit(rows, nil, nil).y
  local width = rows.y.numel // rows.n
  if inputs.columns(rows.x):has_nonfinite() or y.constant or y.nonfinite.count > 0 then
    return nil, "inputs or targets are not finite, or the targets are constant"
  end
  local output, loss, kind = head(y, width)
  local batch = 32
  local run = experiment:with {
    train = part(rows, kind, width), val = part(val, kind, width), loss = loss, task = kind,
    model = nn.sequential { nn.flatten(), nn.normalization { adapt = true }, nn.lambda(bounded),
      nn.dense { units, "relu", init = "he_normal" },
      nn.dense { units, "relu", init = "he_normal" }, output },
    optimizer = { name = "adam", lr = rate }, batch = batch, shuffle = true, loop = false,
    epochs = math.max(5, math.min(60, steps * batch // rows.n)), max_steps = steps,
    metrics = false, callbacks = false, early_stopping = false, class_weight = false,
    target = kind == "regression" and "standardize" or "as_is", fuse = true, schedule = false,
  }:fit { verbose = 0 }
  local skill = run.signals.val_skill or run.signals.skill
  if not skill then return nil, "its skill could not be measured" end
  return { name = "a plain network (2 x 64 ReLU, standardised inputs, Adam)", skill = skill.value }
end

return M
