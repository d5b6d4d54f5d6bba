--- Does the model use its inputs? The same training with the rows of x dealt out anew, so that no
-- input belongs to its target any more: if the real data train no better, the inputs are ignored,
-- or say nothing about the targets.

local core = require "lossdbg.core"
local inputs = require "lossdbg.data.inputs"
local tensors = require "lossdbg.tensor"

local M = { id = "data_independence", what = "real rows against rows dealt out anew" }

local least_gain = 0.05

local function skill_of(run)
  local s = run.signals.skill
  local value = s and s.value
  return value == value and value or -math.huge
end

---@param experiment lossdbg.Experiment
---@param run lossdbg.Run
---@return { real: number, shuffled: number, independent: boolean }?
---@return string? reason
function M.run(experiment, run)
  local data = experiment.recipe.train_rows
  local ids = tensors.zeros(data.n, "i32")
  core.random.permutation(ids, experiment.recipe.seed,
    core.random.stream("data_independence", 0, 0))
  local twin = experiment:with {
    train = { x = inputs.take(inputs.contiguous(data.x), ids), y = data.y, classes = data.classes },
    val = false, early_stopping = false, callbacks = false,
  }
  local shuffled = skill_of(twin:fit { verbose = 0 })
  local real = skill_of(run)
  if real == -math.huge and shuffled == -math.huge then
    return nil, "neither training ended in a finite loss"
  end
  return { real = real, shuffled = shuffled, independent = real - shuffled < least_gain }
end

return M
