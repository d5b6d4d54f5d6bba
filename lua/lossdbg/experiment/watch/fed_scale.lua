--- Mean and spread of inputs that are fed and are no rows of the data, against those of the data.
local core = require "lossdbg.core"

local M = {}

local MOST = 256 -- rows of one pass that are measured, in the loop's own time

local function moments(x)
  local flat = x:detach():cast "f64"
  return flat:sum():item(), flat:square():sum():item(), flat.numel
end

---Adds inputs to what was fed before.
---@param fed { sum: number, squares: number, n: integer, rows: integer }|nil
---@param x any
---@return { sum: number, squares: number, n: integer, rows: integer }|nil
function M.add(fed, x)
  if not core.tensor.is_tensor(x) or x.dtype == "i32" then return fed end
  local rows = math.min(x.shape[1], MOST)
  local sum, squares, n = moments(x:detach():slice(1, 1, rows))
  fed = fed or { sum = 0, squares = 0, n = 0, rows = 0 }
  return { sum = fed.sum + sum, squares = fed.squares + squares, n = fed.n + n,
    rows = fed.rows + rows }
end

---Takes up the inputs of a batch.
---@param self lossdbg.BatchRows
---@param x any
function M.take(self, x)
  if core.tensor.is_tensor(self.data.x) then self.fed = M.add(self.fed, x) end
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
  return M.between(self.fed, self.data.x)
end

---How far what was fed is from the rows of the data.
---@param fed { sum: number, squares: number, n: integer }
---@param x userdata
---@return number|nil moved standard deviations between the means
---@return number|nil widened ratio of the standard deviations, the larger over the smaller
function M.between(fed, x)
  local mean, deviation = spread(moments(x))
  local fed_mean, fed_deviation = spread(fed.sum, fed.squares, fed.n)
  if not (deviation > 0 and fed_deviation > 0) then return nil end
  return math.abs(fed_mean - mean) / deviation,
    math.max(fed_deviation / deviation, deviation / fed_deviation)
end

return M
