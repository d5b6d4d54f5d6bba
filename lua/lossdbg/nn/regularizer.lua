--- Penalties on weights and outputs: l1 sum |w| + l2 sum w^2 (no factor 1/2, as in Keras), and the
-- mean |cosine| between the rows (or columns) of a matrix.
local core = require "lossdbg.core"
local options = require "lossdbg.support.options"
local reads = require "lossdbg.tensor.reads"
local settings = require "lossdbg.support.settings"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local M = {}

---@class lossdbg.Regularizer
---@field l1 number
---@field l2 number
---@field orthogonal number factor of the mean |cosine| of two rows or columns
---@field mode "rows"|"columns"
---@operator call(userdata): userdata

local Regularizer = { __name = "lossdbg.regularizer" }
reads.kind(Regularizer, { noticed = true })

---The penalty of a tensor, a scalar tensor with a gradient.
---@param tensor userdata
---@return userdata
function Regularizer:__call(tensor)
  local penalty
  if self.l2 ~= 0 then penalty = tensor:square():sum():mul(self.l2) end
  if self.l1 ~= 0 then
    local part = tensor:abs():sum():mul(self.l1)
    penalty = penalty and penalty:add(part) or part
  end
  if self.orthogonal ~= 0 then
    local part = self:cosines(tensor)
    penalty = penalty and penalty:add(part) or part
  end
  return penalty or tensor:mul(0):sum()
end

-- factor / 2 sum |cosine| over all ordered pairs, over the number of pairs: Keras'
-- OrthogonalRegularizer.
function Regularizer:cosines(tensor)
  if tensor.rank ~= 2 then
    options.fail("regularizer.orthogonal", "tensor", "a matrix", tensor,
      ("its rank is %d"):format(tensor.rank), source.level())
  end
  local rows = self.mode == "rows"
  local n = tensor.shape[rows and 1 or 2]
  if n < 2 then return tensor:mul(0):sum() end
  local norm = tensor:square():sum(rows and 2 or 1, true):sqrt():maximum(1e-7)
  local unit = tensor:div(norm)
  local product = rows and unit:matmul(unit:transpose()) or unit:transpose():matmul(unit)
  local others = tensors.eye(n, tensor.dtype):neg():add(1)
  return product:mul(others):abs():sum():mul(self.orthogonal / (n * (n - 1)))
end

function Regularizer:__tostring()
  if self.orthogonal ~= 0 then
    return ("orthogonal { %g, mode = %s }"):format(self.orthogonal, self.mode)
  end
  return ("l1_l2 { l1 = %g, l2 = %g }"):format(self.l1, self.l2)
end

local function new(l1, l2, orthogonal, mode)
  return settings.object(Regularizer, { l1 = l1, l2 = l2, orthogonal = orthogonal or 0,
    mode = mode or "rows" })
end

local l1_schema = options.declare "regularizer.l1" {
  { name = "l1", type = "number", min = 0, default = 0.01, positional = 1,
    doc = "factor of the sum of |w|" },
}
local l2_schema = options.declare "regularizer.l2" {
  { name = "l2", type = "number", min = 0, default = 0.01, positional = 1,
    doc = "factor of the sum of w^2" },
}

---Penalty l1 sum |w|, which makes weights exactly 0.
---@param given number|table|nil strength, default 0.01
---@return lossdbg.Regularizer
function M.l1(given)
  local checked = options.check("regularizer.l1", given, l1_schema)
  return new(checked.l1, 0)
end

---Penalty l2 sum w^2, which keeps weights small.
---@param given number|table|nil strength, default 0.01
---@return lossdbg.Regularizer
function M.l2(given)
  local checked = options.check("regularizer.l2", given, l2_schema)
  return new(0, checked.l2)
end

local MODE = { name = "mode", type = "string", choices = { "rows", "columns" }, default = "rows",
  doc = "which vectors of the kernel are held apart" }

local orthogonal_schema = options.declare "regularizer.orthogonal" {
  { name = "factor", type = "number", min = 0, default = 0.01, positional = 1,
    doc = "factor of the mean |cosine| of two vectors" }, MODE,
}

---Penalises rows (columns) of a matrix that point the same way or the opposite way.
---@param given number|table|nil factor = 0.01, mode = "rows"
---@return lossdbg.Regularizer
function M.orthogonal(given)
  local checked = options.check("regularizer.orthogonal", given, orthogonal_schema, source.level())
  return new(0, 0, checked.factor, checked.mode)
end

local both = options.declare "regularizer.l1_l2" {
  { name = "l1", type = "number", min = 0, default = 0, doc = "factor of the sum of |w|" },
  { name = "l2", type = "number", min = 0, default = 0, doc = "factor of the sum of w^2" },
}

---Both penalties, l1 sum |w| + l2 sum w^2.
---@param given { l1: number|nil, l2: number|nil } defaults 0 and 0
---@return lossdbg.Regularizer
function M.l1_l2(given)
  local checked = options.check("regularizer.l1_l2", given, both)
  return new(checked.l1, checked.l2)
end

local named = { l1 = M.l1, l2 = M.l2, l1_l2 = function() return new(0.01, 0.01) end,
  orthogonal = M.orthogonal }
local table_schema = { both[1], both[2], MODE,
  { name = "orthogonal", type = "number", min = 0, default = 0 } }

local how = { where = "regularizer", schema = table_schema, written = core.plan.changed }
settings.class(Regularizer, function() return how end)

---Reads "l2", `ld.regularizer.l2(1e-4)`, `{ l2 = 1e-4 }`; nil and "none" are no regulariser.
---@param given any
---@param where string for messages
---@param name string argument name for messages
---@return lossdbg.Regularizer|nil
local function resolve(given, where, name)
  if given == nil or given == "none" then return nil end
  if getmetatable(given) == Regularizer then return given end
  if type(given) == "string" then
    if not named[given] then
      error(("lossdbg: %s: argument '%s': unknown regulariser %s%s"):format(where, name,
        options.show(given), options.hint(given, { "l1", "l2", "l1_l2", "orthogonal", "none" })),
        source.level())
    end
    return named[given]()
  end
  if type(given) ~= "table" then
    options.fail(where, name, "a regulariser such as { l2 = 1e-4 }", given, nil, source.level())
  end
  local checked = options.check(where .. ": " .. name, given, table_schema, source.level())
  return new(checked.l1, checked.l2, checked.orthogonal, checked.mode)
end

---A regulariser with more of each penalty.
---@param base lossdbg.Regularizer|nil
---@param l1 number|nil
---@param l2 number|nil
---@return lossdbg.Regularizer|nil nil when there is no penalty at all
local function add(base, l1, l2)
  l1, l2 = (base and base.l1 or 0) + (l1 or 0), (base and base.l2 or 0) + (l2 or 0)
  local orthogonal = base and base.orthogonal or 0
  if l1 ~= 0 or l2 ~= 0 or orthogonal ~= 0 then
    return new(l1, l2, orthogonal, base and base.mode)
  end
end

-- For other parts of the library.
M.internal = { resolve = resolve, add = add }

return M
