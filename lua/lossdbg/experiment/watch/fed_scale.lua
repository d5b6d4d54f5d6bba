--- Mean and spread of inputs that are fed and are no rows of the data, against those of the data.
local core = require "lossdbg.core"

local M = {}

local function moments(x)
  local flat = x:detach():cast "f64"
  return flat:sum():item(), flat:square():sum():item(), flat.numel
end

---Takes up the inputs of a batch.
---@param self lossdbg.BatchRows
---@param x any
function M.take(self, x)
  if not (core.tensor.is_tensor(x) and core.tensor.is_tensor(self.data.x)) or x.dtype == "i32" then
    return
  end
  local sum, squares, n = moments(x)
  local fed = self.fed or { sum = 0, squares = 0, n = 0 }
  self.fed = { sum = fed.sum + sum, squares = fed.squares + squares, n = fed.n + n }
end

local function spread(sum, squares, n)
  local mean = sum / n
  return mean, math.sqrt(math.max(squares / n - mean * mean, 0))
end

---How far they are from the data; nil where some rows were those of the data.
---@param self lossdbg.BatchRows
---@return number|nil moved standard deviations between the means
---@return number|nil widened ratio of the standard deviations, the larger over the smaller
function M.apart(self)
  if not self.fed or self.matched > 0 then return nil end
  local mean, deviation = spread(moments(self.data.x))
  local fed_mean, fed_deviation = spread(self.fed.sum, self.fed.squares, self.fed.n)
  if not (deviation > 0 and fed_deviation > 0) then return nil end
  return math.abs(fed_mean - mean) / deviation,
    math.max(fed_deviation / deviation, deviation / fed_deviation)
end

return M
