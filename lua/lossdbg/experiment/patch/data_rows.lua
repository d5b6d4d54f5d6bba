--- Rows changed by a patch: left out, filled up, divided anew, or brought to one scale.
local core = require "lossdbg.core"
local fit_data = require "lossdbg.train.fit_data"
local inputs = require "lossdbg.data.inputs"
local options = require "lossdbg.support.options"
local outliers = require "lossdbg.data.outliers"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local M = {}

local function fail(expected, got)
  options.fail("experiment:with", "data", expected, got, nil, source.level())
end

-- The value at the end of the row that repeats longest: what fills up.
local function filler(list, steps)
  local best, value = 0, nil
  for first = steps, #list, steps do
    local n, last = 0, list[first]
    while n < steps and list[first - n] == last do n = n + 1 end
    if n < steps and n > best then best, value = n, last end
  end
  return value
end

local function copy(rows)
  local twin = {}
  for key, item in pairs(rows) do twin[key] = item end
  return twin
end

local function turn(list, first, steps, value)
  local n = 0
  while n < steps and list[first + steps - 1 - n] == value do n = n + 1 end
  if n == 0 or n == steps then return end
  table.move(list, first, first + steps - n - 1, first + n)
  for i = first, first + n - 1 do list[i] = value end
end

local function pad_front(rows)
  local x = rows.x
  if inputs.is_several(x) or x.rank < 2 or (x.rank == 3 and x.shape[3] ~= 1) or x.rank > 3 then
    fail("sequences [rows, steps] for \"pad_front\"",
      inputs.is_several(x) and "several inputs" or x)
  end
  local steps, list = x.shape[2], x:contiguous():reshape({ x.numel }):totable()
  local value = filler(list, steps)
  for first = 1, #list, steps do turn(list, first, steps, value) end
  local twin = copy(rows)
  twin.x = tensors.tensor(list, x.dtype):reshape(x.shape)
  return twin
end

local function drop_outlying(rows)
  local found = not inputs.is_several(rows.x) and outliers.of(rows.x) or {}
  if #found == 0 then return rows end
  local out, keep = {}, {}
  for _, row in ipairs(found) do out[row] = true end
  for row = 1, rows.n do
    if not out[row] then keep[#keep + 1] = row - 1 end
  end
  local ids, twin = tensors.tensor(keep, "i32"), copy(rows)
  twin.x, twin.y = inputs.take(inputs.contiguous(rows.x), ids),
    inputs.take(inputs.contiguous(rows.y), ids)
  twin.n = #keep
  return twin
end

-- ---- gaps ---------------------------------------------------------------------------------------

-- Means of the finite values by column; 0 where there is none.
local function column_means(list, width)
  local sums, counts = {}, {}
  for j = 1, width do sums[j], counts[j] = 0, 0 end
  for i, v in ipairs(list) do
    if v - v == 0 then
      local j = (i - 1) % width + 1
      sums[j], counts[j] = sums[j] + v, counts[j] + 1
    end
  end
  for j = 1, width do sums[j] = counts[j] > 0 and sums[j] / counts[j] or 0 end
  return sums
end

local function filled(x, means)
  local list = x:contiguous():reshape({ x.numel }):totable()
  means = means or column_means(list, x.numel // x.shape[1])
  for i, v in ipairs(list) do
    if v - v ~= 0 then list[i] = means[(i - 1) % #means + 1] end
  end
  return tensors.tensor(list, x.dtype):reshape(x.shape), means
end

local function fill_gaps(train, val)
  local all = {}
  local function apply(rows)
    local twin, at = copy(rows), 0
    twin.x = inputs.map(rows.x, function(x)
      at = at + 1
      if x.dtype == "i32" then return x end
      local tensor
      tensor, all[at] = filled(x, all[at])
      return tensor
    end)
    return fit_data.drop_nonfinite(twin) -- targets are not made up
  end
  train = apply(train)
  return train, val and apply(val)
end

-- ---- validation rows ----------------------------------------------------------------------------

-- Tables column by column; images, series and sequences as a whole, as they are scaled.
local function moments(x)
  local flat = x:cast("f64"):contiguous()
  flat = flat:reshape { x.rank == 2 and x.shape[1] or x.numel, -1 }
  return flat:mean(1, true), flat:var(1, true):sqrt(), flat
end

local function matched(x, like)
  local mean, sd, flat = moments(x)
  local wanted_mean, wanted_sd = moments(like)
  local scale = wanted_sd:div(sd:maximum(1e-30))
  local still = sd:le(1e-12):add(wanted_sd:le(1e-12)):cast("f64"):clip(0, 1)
  scale = scale:mul(still:mul(-1):add(1)):add(still)
  return flat:sub(mean):mul(scale):add(wanted_mean):cast(x.dtype):reshape(x.shape)
end

local function match_val(train, val)
  if not val then fail("validation rows for \"match_val\"") end
  local twin, like, at = copy(val), inputs.list(train.x), 0
  twin.x = inputs.map(val.x, function(x)
    at = at + 1
    return x.dtype == "i32" and x or matched(x, like[at])
  end)
  return train, twin
end

-- All rows in one order drawn by seed 0, cut where they were.
local function shuffle_split(train, val)
  if not val then fail("validation rows for \"shuffle_split\"") end
  local ids = fit_data.order(train.n + val.n, 0, 0)
  local function part(first, last)
    local twin, list = copy(train), ids:slice(1, first, last):contiguous()
    for _, key in ipairs { "x", "y", "weight" } do
      if train[key] and val[key] then
        local below, at = inputs.list(val[key]), 0
        twin[key] = inputs.map(train[key], function(x)
          at = at + 1
          return core.io.take_rows(core.op.concat({ x, below[at] }, 1), list)
        end)
      end
    end
    twin.n = last - first + 1
    return twin
  end
  return part(1, train.n), part(train.n + 1, train.n + val.n)
end

-- ---- names --------------------------------------------------------------------------------------

local function each(change)
  return function(train, val) return change(train), val and change(val) end
end

--- fn(train rows, validation rows or nil) -> both, changed
M.changes = {
  drop_nonfinite = each(fit_data.drop_nonfinite), -- without rows that hold NaN
  drop_outlying = each(drop_outlying), -- without rows on another scale than the rest
  fill_gaps = fill_gaps, -- means of the training columns for inputs that are not finite
  match_val = match_val, -- validation inputs with mean and spread of the training inputs
  pad_front = each(pad_front), -- so that a recurrence ends with what was said last
  shuffle_split = shuffle_split, -- all rows shuffled before they are divided
}

M.names = {}
for name in pairs(M.changes) do M.names[#M.names + 1] = name end
table.sort(M.names)

return M
