--- The learning-rate range test beside the rate in use.
local lr_find = require "lossdbg.experiment.lr_find"

local M = { id = "lr_range", what = "range test of the learning rate" }

---@param experiment lossdbg.Experiment
---@return table result lrs, losses, suggestion?, minimum?, steepest?, fall_sd, reason?
function M.run(experiment)
  local found = lr_find.find(experiment, { from = 1e-6, to = 10, steps = 80 })
  return { lrs = found.lrs, losses = found.losses, suggestion = found.suggestion,
    minimum = found.minimum, steepest = found.steepest, fall_sd = found.fall_sd,
    reason = found.reason, min_lr = found.lrs[1], max_lr = found.lrs[#found.lrs] }
end

return M
