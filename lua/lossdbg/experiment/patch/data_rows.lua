--- Rows changed by a patch: sequences filled up at the front instead of the end, rows left out.
local inputs = require "lossdbg.data.inputs"
local options = require "lossdbg.support.options"
local outliers = require "lossdbg.data.outliers"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local M = {}

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

---@param rows lossdbg.Rows
---@return lossdbg.Rows
function M.pad_front(rows)
  local x = rows.x
  if inputs.is_several(x) or x.rank < 2 or (x.rank == 3 and x.shape[3] ~= 1) or x.rank > 3 then
    options.fail("experiment:with", "data", "sequences [rows, steps] for \"pad_front\"",
      inputs.is_several(x) and "several inputs" or x, nil, source.level())
  end
  local steps, list = x.shape[2], x:contiguous():reshape({ x.numel }):totable()
  local value = filler(list, steps)
  for first = 1, #list, steps do turn(list, first, steps, value) end
  local twin = copy(rows)
  twin.x = tensors.tensor(list, x.dtype):reshape(x.shape)
  return twin
end

---Rows without those that are on another scale than the rest.
---@param rows lossdbg.Rows
---@return lossdbg.Rows
function M.drop_outlying(rows)
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

return M
