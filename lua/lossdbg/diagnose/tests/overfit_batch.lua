--- Can the model learn sixteen rows by heart? If it cannot, even with other learning rates, no
-- amount of data or patience helps: the wiring, the activations or the capacity are at fault.
-- (Karpathy, "A recipe for training neural networks"; threshold: skill 0.95.)

local core = require "lossdbg.core"
local baseline = require "lossdbg.train.baseline"
local inputs = require "lossdbg.data.inputs"
local tensors = require "lossdbg.tensor"

local M = { id = "overfit_batch", what = "learns 16 rows by heart" }

local rows, steps, enough = 16, 500, 0.95

local function pick(experiment)
  local data = experiment.recipe.train_rows
  local ids = tensors.zeros(data.n, "i32")
  core.random.permutation(ids, experiment.recipe.seed, core.random.stream("overfit_batch", 0, 0))
  ids = ids:slice(1, 1, math.min(rows, data.n)):contiguous()
  return { x = inputs.take(inputs.contiguous(data.x), ids),
    y = inputs.take(inputs.contiguous(data.y), ids), classes = data.classes }
end

local function skill_at(experiment, factor)
  local lr = experiment:description().optimizer.lr
  local e = factor == 1 and experiment or experiment:with { optimizer = { lr = lr * factor } }
  local run = e:fit { verbose = 0, telemetry = false }
  local p = e:prepared()
  local floor = baseline.of(p.loss, p.train.y, p.model.output_shape[#p.model.output_shape])
  local losses = run.steps.loss
  if not floor or floor.loss <= 0 then return nil end
  local skill = 1 - losses[#losses] / floor.loss
  if skill ~= skill then skill = -math.huge end
  return skill, losses[#losses], losses[1], floor.loss
end

---@param experiment lossdbg.Experiment
---@return table? result skill, loss, start, steps, baseline, at_lr, passed
---@return string? reason
function M.run(experiment)
  local batch = pick(experiment)
  local small = experiment:with {
    { train = batch, val = false, batch = inputs.count(batch.x), epochs = steps,
      max_steps = false, early_stopping = false, callbacks = false, class_weight = false },
    { regularizer = "none" }, { dropout = 0 },
  }
  local skill, loss, start, floor = skill_at(small, 1)
  if not skill then return nil, "the sixteen rows have one and the same target" end
  local at_lr = { ["1"] = skill }
  if skill < enough then
    at_lr["0.1"] = skill_at(small, 0.1)
    at_lr["10"] = skill_at(small, 10)
  end
  return { skill = skill, loss = loss, start = start, steps = steps, baseline = floor,
    at_lr = at_lr, passed = skill >= enough }
end

return M
