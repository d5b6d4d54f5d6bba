--- Weights that the classes have in a loss that is written by hand, from what its steps reported:
--- the losses of the rows of each class, added up and weighed, make the loss of the step. Every
--- class is an unknown, every step looked at an equation; where they agree to rounding, the weights
--- are known.
local linear = require "lossdbg.support.linear"

local M = {}

local CLASSES = 12 -- more are not told apart by so few looks
local LOOKS = 64 -- kept: more equations tell nothing new
local SPARE = 3 -- equations beyond the unknowns
local CLOSE = 1e-3 -- relative, of the loss of every step

---Takes up a step that is looked at.
---@param looks table[] changed
---@param values userdata loss of each row, of the named loss without weights
---@param ids userdata class of each row
---@param value number loss of the step
function M.take(looks, values, ids, value)
  local n = ids.shape[1]
  if #looks >= LOOKS or ids.dtype ~= "i32" or ids.numel ~= n or values.numel ~= n then return end
  local sums, counts = {}, {}
  local list, classes = values:reshape({ n }):totable(), ids:reshape({ n }):totable()
  for i, id in ipairs(classes) do
    sums[id], counts[id] = (sums[id] or 0) + list[i], (counts[id] or 0) + 1
  end
  looks[#looks + 1] = { sums = sums, counts = counts, n = n, value = value }
end

local function ids_of(looks)
  local total, list = {}, {}
  for _, look in ipairs(looks) do
    for id, n in pairs(look.counts) do
      if not total[id] then list[#list + 1] = id end
      total[id] = (total[id] or 0) + n
    end
  end
  table.sort(list, function(a, b) return total[a] > total[b] or total[a] == total[b] and a < b end)
  return list
end

-- Mean over the rows, or over the weights: the commonest class then weighs 1.
local function fit(looks, ids, by_weight)
  local rows, values = {}, {}
  for k, look in ipairs(looks) do
    local function share(id)
      local sum, n = look.sums[id] or 0, look.counts[id] or 0
      return by_weight and sum - look.value * n or sum / look.n
    end
    rows[k] = {}
    for i = by_weight and 2 or 1, #ids do table.insert(rows[k], share(ids[i])) end
    values[k] = by_weight and -share(ids[1]) or look.value
  end
  local w = linear.least_squares(rows, values)
  if by_weight then table.insert(w, 1, 1) end
  return w
end

local function holds(looks, ids, w, by_weight)
  for _, look in ipairs(looks) do
    local sum, all = 0, 0
    for i, id in ipairs(ids) do
      sum = sum + w[i] * (look.sums[id] or 0)
      all = all + w[i] * (look.counts[id] or 0)
    end
    local value = sum / (by_weight and all or look.n)
    if not (math.abs(value - look.value) <= CLOSE * math.abs(look.value)) then return false end
  end
  return true
end

---@param looks table[]
---@return table<integer, number>|nil weights by class id; nil where no weights make the losses
function M.weights(looks)
  local ids = ids_of(looks)
  if #ids < 2 or #ids > CLASSES or #looks < #ids + SPARE then return nil end
  for _, by_weight in ipairs { false, true } do
    local w = fit(looks, ids, by_weight)
    if holds(looks, ids, w, by_weight) then
      local weights = {}
      for i, id in ipairs(ids) do weights[id] = math.max(w[i], 0) end
      return weights
    end
  end
end

return M
