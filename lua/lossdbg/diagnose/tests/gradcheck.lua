--- Backward against central differences, on the first rows and a sample of every parameter.

local evaluate = require "lossdbg.train.evaluate"
local fit_data = require "lossdbg.train.fit_data"
local inputs = require "lossdbg.data.inputs"

local M = { id = "gradcheck", what = "gradients against central differences" }

local rows, samples = 8, 12

local function finite_loss(experiment, model, x, y)
  local judge = experiment:judge(model)
  judge.metrics = {}
  local loss = evaluate.rows(model, { x = x, y = y }, judge, inputs.count(x))
  return loss == loss and loss < math.huge and loss > -math.huge
end

---@param experiment lossdbg.Experiment
---@return table? result max_error, worst, checked, skipped, passed
---@return string? reason
function M.run(experiment)
  local p = experiment:prepared()
  local n = math.min(rows, p.train.n)
  local x = inputs.slice(p.train.x, 1, n)
  local y = inputs.contiguous(inputs.slice(p.train.y, 1, n))
  if #fit_data.nonfinite_rows(x, 1) > 0 then
    return nil, "the rows hold values that are not finite"
  end
  local model = experiment:build()
  if not finite_loss(experiment, model, x, y) then
    return nil, "the loss of these rows is not finite: there is no slope to compare with"
  end
  local check = require("lossdbg.train.gradient_check").check
  local report = check(model, x, y, { loss = p.loss, samples = samples })
  return { max_error = report.max_error, worst = report.worst, checked = report.checked,
    skipped = report.skipped, passed = report.passed }
end

return M
