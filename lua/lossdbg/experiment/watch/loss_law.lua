--- Laws that every loss keeps, asked of losses that a user wrote: no prediction is better than the
-- target itself, the loss depends on the prediction, its gradient leads towards the target, rows do
-- not mix. Exact tests on a few rows of the data; what they cannot be asked of is left out.
local core = require "lossdbg.core"
local tensors = require "lossdbg.tensor"

local M = {}

local ROWS = 64
local CLOSE = 1e-4
local PAIRED = 8 -- rows of which every prediction is held against every target

local function number_of(loss, p, y)
  local value = loss:reduce(loss:compute(p, y))
  return value.rank > 0 and value:mean() or value
end

local function close(a, b, scale) return math.abs(a - b) <= CLOSE * math.max(scale or 1, 1e-30) end

-- Whether the loss of some rows is the mean over all pairs of a prediction and a target, and not
-- that over the rows: the function itself makes [n, 1] against [n] into [n, n].
local function pairs_all(loss, p, y)
  local n, rows, every = math.min(p.shape[1], PAIRED), 0, 0
  if p.numel ~= p.shape[1] or y.numel ~= y.shape[1] or y.dtype == "i32" or n < 3 then
    return false
  end
  local function row(t, i) return t:slice(1, i, i):contiguous() end
  for i = 1, n do
    for j = 1, n do
      local value = number_of(loss, row(p, i), row(y, j)):item()
      every = every + value / (n * n)
      if i == j then rows = rows + value / n end
    end
  end
  local given = number_of(loss, p:slice(1, 1, n):contiguous(), y:slice(1, 1, n):contiguous()):item()
  local size = math.max(math.abs(every), math.abs(rows))
  return close(given, every, size) and not close(given, rows, size)
end

-- Row sums of two shapes: [n, 1] against [n] makes [n, n].
local function broadcasts(loss, p, y)
  local n = p.shape[1]
  if p.rank == y.rank then return pairs_all(loss, p, y) end
  if p.rank ~= 2 or p.shape[2] ~= 1 or y.rank ~= 1 or n < 3 then return false end
  local as_given = number_of(loss, p, y):item()
  local columns = number_of(loss, p, y:reshape { n, 1 }):item()
  local lines = number_of(loss, p:reshape { n }, y):item()
  local size = math.abs(columns)
  return close(columns, lines, size) and not close(as_given, columns, size)
end

local function gradient_of(loss, p, y)
  local leaf = p:detach():clone()
  leaf.requires_grad = true
  local value = number_of(loss, leaf, y)
  if not value.requires_grad then return nil end
  value:backward()
  return leaf.grad
end

-- Does the loss change when the prediction does?
local function depends(loss, p, y)
  local base = number_of(loss, p, y):item()
  for _, other in ipairs { p:mul(0.5), p:add(0.25), p:mul(-1) } do
    if number_of(loss, other, y):item() ~= base then return true end
  end
  return false
end

-- Share of the rows whose gradient leads away from the target: with a prediction above the target
-- it is negative, or the other way round.
local function away(loss, p, y)
  local gradient = gradient_of(loss, p, y)
  if not gradient then return nil end
  local n = p.shape[1]
  local sides = gradient:reshape({ n, -1 }):mul(p:sub(y):reshape { n, -1 })
  local wrong, right = sides:lt(0):cast("f64"):mean():item(), sides:gt(0):cast("f64"):mean():item()
  return wrong + right > 0 and wrong / (wrong + right) or nil
end

-- Share of the rows for which the loss of this prediction is below that of the target itself.
local function below_perfect(loss, p, y)
  local n, below = math.min(p.shape[1], 16), 0
  for i = 1, n do
    local q, t = p:slice(1, i, i):contiguous(), y:slice(1, i, i):contiguous()
    local perfect, own = number_of(loss, t, t):item(), number_of(loss, q, t):item()
    if own < perfect - CLOSE * math.max(math.abs(perfect), 1e-3) then below = below + 1 end
  end
  return below / n
end

-- Values of a loss over class ids for answers that could not be surer. A softmax before a
-- cross-entropy that has one leaves ln(1 + (K-1)/e); a sigmoid leaves (ln(1 + 1/e), ln 2).
local function floor_of_classes(loss, p, y)
  local n, width = p.shape[1], p.shape[p.rank]
  if width < 2 then return nil end
  local ids = y:reshape { y.numel }
  local sure = core.op.one_hot(ids, width):cast(p.dtype):mul(60):reshape(p.shape)
  local value = number_of(loss, sure, y):item()
  local floor = math.log(1 + (width - 1) / math.exp(1))
  return close(value, floor, floor), value, n
end

local function floor_of_binary(loss, p, y)
  local value = number_of(loss, y:mul(120):sub(60):reshape(p.shape), y):item()
  local ones = y:mean():item()
  local floor = ones * math.log(1 + math.exp(-1)) + (1 - ones) * math.log(2)
  return close(value, floor, floor), value
end

local function is_zero_one(y)
  return y:eq(0):add(y:eq(1)):min():item() == 1
end

local function ask(loss, p, y)
  local found = {}
  found.broadcast = broadcasts(loss, p, y) or nil
  found.ignores_prediction = not depends(loss, p, y) or nil
  local same = p.numel == y.numel and y.dtype ~= "i32"
  if y.dtype == "i32" then
    found.double_softmax = floor_of_classes(loss, p, y) or nil
  elseif same and is_zero_one(y) then
    found.double_softmax = floor_of_binary(loss, p, y) or nil
  end
  if same and not found.broadcast and not found.ignores_prediction and not is_zero_one(y) then
    y = y:reshape(p.shape)
    found.away = away(loss, p, y)
    found.below_perfect = below_perfect(loss, p, y)
  end
  return found
end

---Asks a loss about predictions that these models make.
---@param loss lossdbg.Loss
---@param models lossdbg.Model[]
---@param rows { x: userdata, y: userdata, n: integer }
---@return table|nil found nil for the library's own losses
function M.ask(loss, models, rows)
  if loss.parts or loss.family ~= "custom" or not core.tensor.is_tensor(rows.x) then return nil end
  local n, all = math.min(ROWS, rows.n), nil
  local x = rows.x:slice(1, 1, n):contiguous()
  local y = rows.y:slice(1, 1, n):contiguous()
  for _, model in ipairs(models) do
    local p = tensors.no_grad(function() return model:forward(x, {}) end)
    if not core.tensor.is_tensor(p) or p:has_nonfinite() then return all end
    local found = ask(loss, p:detach(), y)
    if not all then all = found end
    for key, value in pairs(found) do
      if type(value) == "number" then all[key] = math.max(all[key] or 0, value) end
    end
  end
  return all
end

return M
