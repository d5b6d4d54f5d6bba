--- The learning-rate range test beside the rate in use.
local lr_find = require "lossdbg.experiment.lr_find"

local M = { id = "lr_range", what = "range test of the learning rate" }

---@param experiment lossdbg.Experiment
---@return { lrs: number[], losses: number[], suggestion: number?, fall_sd: number }
function M.run(experiment)
  local found = lr_find.find(experiment, { from = 1e-6, to = 10, steps = 80 })
  return { lrs = found.lrs, losses = found.losses, suggestion = found.suggestion,
    fall_sd = found.fall_sd }
end

return M
