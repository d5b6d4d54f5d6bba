--- What accuracies and R2 beside a loss say: how much of the task is learnt, and whether loss and
-- score can belong to one training.
local robust = require "lossdbg.diagnose.robust"

local M = {}

--- name = { limit, why }
M.limits = {
  last = { 3, "epochs at the end, their median: one epoch of a small set is noise" },
  contradiction = { 0.7, "of ln 2 a wrong answer, the least that its cross-entropy costs" },
  mute = { 0.5, "of the loss was lost while the accuracy never changed" },
  unmoved = { 0.3, "of the loss was lost while the accuracy hardly moved" },
  gain = { 0.05, "of accuracy gained: less is hardly any" },
  high = { 0.9, "right: most of a task is learnt, whenever that was" },
  wrong = { 0.5, "right: with fewer most answers are wrong" },
  lost = { 0.15, "of accuracy lost from its best third to its last third" },
  identity = { 0.003, "of 16.118 a wrong answer: clipping at 1e-7 and rounding" },
  least = { 8, "epochs: fewer scores show no movement" },
}

-- Cross-entropy of a wrong answer whose probability is clipped: 1e-7 (Keras), and log at -100
-- (PyTorch).
M.SATURATED = { 16.118, 100 }

local function limit(name) return M.limits[name][1] end

local function all_finite(list)
  for _, x in ipairs(list) do if not robust.finite(x) then return false end end
  return true
end

local function median(list, first, last)
  return robust.median(table.move(list, first, last, 1, {}))
end

local function at_end(list)
  if not list or #list == 0 or not all_finite(list) then return nil end
  return median(list, math.max(1, #list - limit "last" + 1), #list)
end

---Skill at the end of the training. R2 alone: with rare classes an accuracy may stay that of one
---answer while the loss learns.
---@param history table<string, number[]>
---@return { train: number|nil, val: number|nil, measure: string }
function M.of(history)
  return { train = at_end(history.r2), val = at_end(history.val_r2), measure = "R2" }
end

---Whether a score at the end is what it was at an epoch, but for so much.
---@param list number[]|nil
---@param epoch integer
---@param slack number
---@return boolean
function M.kept(list, epoch, slack)
  local last = at_end(list)
  return last ~= nil and list[epoch] ~= nil and last >= list[epoch] - slack
end

---Whether an accuracy says that something was learnt; nil where there is none.
---@param list number[]|nil
---@return boolean|nil
function M.gained(list)
  local last = at_end(list)
  if not last then return nil end
  return last - median(list, 1, math.min(#list, limit "last")) >= limit "gain"
    or last >= limit "high"
end

local function spread(list)
  local lo, hi = math.huge, -math.huge
  for _, x in ipairs(list) do lo, hi = math.min(lo, x), math.max(hi, x) end
  return hi - lo, hi
end

-- A wrong answer costs ln 2 at least, and an accuracy that never moves is that of one answer.
local function frozen(accuracy, shape)
  local width, top = spread(accuracy)
  local least = limit "contradiction" * math.log(2) * (1 - accuracy[#accuracy])
  if width <= 1e-6 and top < 0.999 and shape.fall >= limit "mute" and shape.stop < least then
    return ("accuracy stays at %.4g while the loss falls to %.4g: %.4g at least belongs to so many "
      .. "wrong answers"):format(top, shape.stop, math.log(2) * (1 - top))
  end
end

-- The loss falls, most answers stay wrong.
local function unmoved(accuracy, shape)
  local n = #accuracy
  local first, last = median(accuracy, 1, limit "last"), at_end(accuracy)
  if shape.fall >= limit "unmoved" and last < limit "wrong" and last - first < limit "gain" then
    local _, top = spread(accuracy)
    if top - last < limit "gain" then
      return ("accuracy stays at %.4g (%.4g at the start) in %d epochs while the loss falls")
        :format(last, first, n)
    end
  end
end

-- The loss falls, and answers that were right are lost again.
local function lost(accuracy, shape)
  local n = #accuracy
  local third = n // 3
  local best, last = -math.huge, median(accuracy, n - third + 1, n)
  for first = 1, n - 2 * third + 1 do
    best = math.max(best, median(accuracy, first, first + third - 1))
  end
  if shape.verdict == "falling" and best - last >= limit "lost" then
    return ("accuracy falls from %.4g to %.4g while the loss falls, too"):format(best, last)
  end
end

---Loss and accuracy that cannot belong together, in words.
---@param accuracy number[]|nil
---@param shape lossdbg.CurveShape
---@return string|nil
function M.decoupled(accuracy, shape)
  if not accuracy or #accuracy < limit "least" or not shape.stop then return nil end
  if not all_finite(accuracy) then return nil end
  return frozen(accuracy, shape) or unmoved(accuracy, shape) or lost(accuracy, shape)
end

---A loss that is a constant times the share of wrong answers, epoch by epoch: every output is 0 or
---1, and no gradient is left.
---@param loss number[]
---@param accuracy number[]|nil
---@return number|nil constant
function M.saturated(loss, accuracy)
  if not accuracy or #accuracy ~= #loss or #loss < 2 then return nil end
  for _, constant in ipairs(M.SATURATED) do
    local same = true
    for i, value in ipairs(loss) do
      local wanted = constant * (1 - accuracy[i])
      same = same and wanted > 0 and math.abs(value - wanted) <= limit "identity" * wanted
    end
    if same then return constant end
  end
end

return M
