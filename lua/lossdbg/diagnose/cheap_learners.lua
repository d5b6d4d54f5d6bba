--- Learners that cost next to nothing and need no training loop: ridge regression (on one-hot
-- targets for classes) and the class of the nearest training row. Rows are standardised.
local core = require "lossdbg.core"
local inputs = require "lossdbg.data.inputs"
local linear = require "lossdbg.support.linear"
local task_skill = require "lossdbg.train.task_skill"
local tensors = require "lossdbg.tensor"

local M = {}

local most_rows, most_held, most_columns, most_targets = 1000, 256, 64, 20
local penalty = 0.01 -- of the rows: about what noise in a standardised column weighs

--- Several inputs side by side.
---@param x userdata|lossdbg.Inputs
---@return userdata
function M.joined(x) return inputs.is_several(x) and inputs.columns(x) or x end

local function flat(rows, most)
  local n = math.min(rows.n, most)
  local x = inputs.slice(M.joined(rows.x), 1, n):cast "f64"
  return x:reshape { n, x.numel // n }
end

local function standardised(x, like)
  local mean, deviation = like:mean(1, true), like:var(1, true):sqrt()
  return x:sub(mean):div(core.op.where(deviation:gt(0), deviation, 1)):clip(-5, 5)
end

local function ids_of(rows, n) return inputs.slice(rows.y, 1, n):cast("i32"):reshape { n } end

--- Skill of a linear model on held-out rows; nil for many columns or targets.
---@param train { x: userdata, y: userdata, n: integer }
---@param held { x: userdata, y: userdata, n: integer }
---@param loss table|string of the reference recipe
---@param largest number largest class id
---@return number?
function M.ridge(train, held, loss, largest)
  return tensors.no_grad(function()
    local a, b = flat(train, most_rows), flat(held, most_held)
    local n, columns = a.shape[1], a.shape[2]
    local classes = loss.name == "sparse_crossentropy" and math.tointeger(largest) + 1
    local targets = classes or train.y.numel // train.n
    if columns > most_columns or targets > most_targets then return nil end
    b, a = standardised(b, a), standardised(a, a)
    local y = classes and core.op.one_hot(ids_of(train, n), classes):cast "f64"
      or inputs.slice(train.y, 1, n):cast("f64"):reshape { n, targets }
    local mean = y:mean(1, true)
    local left = a:transpose():matmul(a):totable()
    for i = 1, columns do left[i][i] = left[i][i] + penalty * n + 1e-9 end
    local w = tensors.tensor(linear.solve(left, a:transpose():matmul(y:sub(mean)):totable()), "f64")
    local shown, rows = b:matmul(w):add(mean), b.shape[1]
    local want = classes and ids_of(held, rows)
      or inputs.slice(held.y, 1, rows):cast("f64"):reshape { rows, targets }
    local skill = task_skill.of(shown, want, { name = classes and loss.name or "mse" })
    return skill and skill.value
  end)
end

--- Skill of answering with the class of the nearest training row; nil where targets are no ids.
---@param train { x: userdata, y: userdata, n: integer }
---@param held { x: userdata, y: userdata, n: integer }
---@param loss table|string
---@param largest number largest class id
---@return number?
function M.nearest(train, held, loss, largest)
  if loss.name ~= "sparse_crossentropy" then return nil end
  return tensors.no_grad(function()
    local a, b = flat(train, most_rows), flat(held, most_held)
    b, a = standardised(b, a), standardised(a, a)
    local distance = a:square():sum(2):reshape({ 1, a.shape[1] })
      :sub(b:matmul(a:transpose()):mul(2))
    local at = distance:argmin(-1):sub(1):reshape({ b.shape[1] }):cast "i32"
    local named = inputs.take(ids_of(train, a.shape[1]):contiguous(), at)
    local shown = core.op.one_hot(named, math.tointeger(largest) + 1):cast "f64"
    local skill = task_skill.of(shown, ids_of(held, b.shape[1]), { name = loss.name })
    return skill and skill.value
  end)
end

return M
