--- A run as plain data and back, for one that was trained in a worker process: what it measured,
-- the weights, the optimiser. What its experiment knows is not sent.
local optim = require "lossdbg.optim"
local recorder = require "lossdbg.train.recorder"
local runs = require "lossdbg.experiment.run"

local M = {}

local known = { model = true, optimizer = true, description = true, target_scale = true }

---@param run lossdbg.Run
---@return table
function M.close(run)
  local fields = {}
  for key, value in pairs(run) do
    if not known[key] then fields[key] = value end
  end
  local plateau = run.optimizer.rate.plateau
  return { fields = fields, model = run.model:state(), optimizer = run.optimizer:state(),
    lr = run.optimizer.last_lr, plateau = plateau and { best = plateau.best, wait = plateau.wait,
      cooling = plateau.cooling } }
end

---@param experiment lossdbg.Experiment that was trained
---@param sent table
---@return lossdbg.Run
function M.open(experiment, sent)
  local recipe, run = experiment.recipe, runs.new(sent.fields)
  run.description, run.target_scale = experiment:description(), experiment:prepared().scale
  run.model = experiment:build():load_state(sent.model)
  run.optimizer = optim.bind(recipe.optimizer, recorder.parameters(run.model, true), {
    schedule = recipe.schedule, clip_norm = recipe.clip_norm, clip_value = recipe.clip_value,
    global_clip_norm = recipe.global_clip_norm,
  })
  run.optimizer:load_state(sent.optimizer)
  run.optimizer.last_lr = sent.lr
  for key, value in pairs(sent.plateau or {}) do run.optimizer.rate.plateau[key] = value end
  return run
end

return M
