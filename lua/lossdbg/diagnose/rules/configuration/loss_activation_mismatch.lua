local heads = require "lossdbg.diagnose.heads"

local M = {
  id = "loss_activation_mismatch", cause = "wrong_loss", family = "configuration",
  needs = { "description.layers", "description.loss" }, cost = "free",
  doc = {
    what = "Task, last activation, loss and coding of the targets do not belong together.",
    formula = "the closed table of heads, losses and codings (diagnose/heads/head_table.lua)",
    source = "AutoTrainer and DeepDiagnosis flag every regression; here the task is read"
      .. " from loss and targets first",
    false_alarms = "what works but is not what one would write (squared error on probabilities) is"
      .. " a suggestion only",
  },
}

function M.check(case) return heads.finding(M, case) end

return M
