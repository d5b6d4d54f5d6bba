--- Does a loss of the user's own compare every prediction with every target? [N, 1] minus [N] is
-- [N, N] wherever arrays broadcast, and the best answer to all targets at once is their mean.
-- Exact test on a few rows: such a loss is the mean (or sum) over all pairs of rows, and not over
-- the rows themselves.

local tensors = require "lossdbg.tensor"

local M = {}

local rows = 3

local function close(a, b, scale) return math.abs(a - b) <= 1e-4 * scale end

local function number_of(loss, p, y)
  local value = loss:reduce(loss:compute(p, y))
  return (value.rank > 0 and value:mean() or value):item()
end

local function row(t, i) return t:slice(1, i, i):contiguous() end

local function compare(loss, p, y)
  local own, all, largest = 0, 0, 0
  for i = 1, rows do
    for j = 1, rows do
      local value = number_of(loss, row(p, i), row(y, j))
      all, largest = all + value, math.max(largest, math.abs(value))
      if i == j then own = own + value end
    end
  end
  local whole = number_of(loss, p, y)
  local function is(sum, count)
    return close(whole, sum / count, largest) or close(whole, sum, largest * count)
  end
  return whole == whole and largest > 0 and is(all, rows * rows) and not is(own, rows)
end

--- Whether the experiment's loss broadcasts its arguments. Only losses written by hand are asked:
-- our own refuse shapes that do not fit.
---@param experiment lossdbg.Experiment
---@return boolean
function M.found(experiment)
  local prepared = experiment:prepared()
  local loss, data = prepared.loss, prepared.train
  if loss.family ~= "custom" or data.n < rows then return false end
  local ok, result = require("lossdbg.support.attempt").call(tensors.no_grad, function()
    local output = prepared.model(data.x:slice(1, 1, rows))
    return compare(loss, output, data.y:slice(1, 1, rows):contiguous())
  end)
  return ok and result
end

return M
