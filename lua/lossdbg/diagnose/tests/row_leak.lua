--- Do rows of a batch leak into each other? One row is answered beside two different sets of other
-- rows, in evaluation: its answer must not change.

local inputs = require "lossdbg.data.inputs"
local tensors = require "lossdbg.tensor"

local M = { id = "row_leak", what = "one row's answer beside other rows" }

local beside = 7 -- rows beside the one that is watched
local rounding = 1e-4 -- products of other sizes add up in another order

local function batch(x, n, first)
  local ids = { 0 }
  for i = 1, beside do ids[i + 1] = (first + i - 1) % (n - 1) + 1 end
  return inputs.take(x, tensors.tensor(ids, "i32"))
end

local function first_row(model, x)
  local y = model:forward(x, { training = false, step = 0, probe = true })
  return type(y) == "userdata" and y:slice(1, 1, 1):contiguous() or nil
end

---@param experiment lossdbg.Experiment
---@return { leaks: boolean, change: number }?
---@return string? reason
function M.run(experiment)
  local p = experiment:prepared()
  if p.train.n < 2 * beside + 1 then return nil, "there are too few rows" end
  local model, x = experiment:build(), inputs.contiguous(p.train.x)
  local a = tensors.no_grad(first_row, model, batch(x, p.train.n, 0))
  local b = tensors.no_grad(first_row, model, batch(x, p.train.n, beside))
  if not a or not b then return nil, "the model has several outputs" end
  if a:has_nonfinite() or b:has_nonfinite() then return nil, "its answers are not finite" end
  return tensors.no_grad(function()
    local size = math.max(a:abs():max():item(), b:abs():max():item(), 1e-12)
    local change = a:sub(b):abs():max():item() / size
    return { leaks = change > rounding, change = change }
  end)
end

return M
