--- From what a label column says to class ids 0 .. K-1.
local M = {}

-- Lua compares strings by the locale; class ids must not depend on it.
local function bytes_before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

local function distinct(cells, before)
  local seen, list = {}, {}
  for _, cell in ipairs(cells) do
    if not seen[cell] then
      seen[cell] = true
      list[#list + 1] = cell
    end
  end
  table.sort(list, before)
  return list
end

local function places(names)
  local id = {}
  for i, name in ipairs(names) do id[name] = i - 1 end
  return id
end

local function is_counting(list)
  for i, value in ipairs(list) do
    if value ~= i - 1 then return false end
  end
  return true
end

local function shown(names)
  local first = table.concat(names, ", ", 1, math.min(#names, 8))
  return #names > 8 and first .. ", …" or first
end

--- Ids of labels by given class names; whole numbers may also be the ids themselves.
---@param cells (string|integer)[]
---@param names string[]
---@return integer[]|nil ids
---@return string|nil message
---@return integer|nil place of the unknown label
local function by_names(cells, names)
  local known, ids = places(names), {}
  for i, cell in ipairs(cells) do
    local id = known[tostring(cell)]
    if not id and math.type(cell) == "integer" and cell >= 0 and cell < #names then id = cell end
    if not id then
      return nil, ("the label '%s' is none of the classes %s"):format(cell, shown(names)), i
    end
    ids[i] = id
  end
  return ids
end

--- Class ids. Integers that are 0 .. K-1 as written stay as they are; everything else is numbered
--- in sorted order (numbers by value, texts by bytes), so that ids do not depend on the row order.
---@param cells (string|integer)[] no holes
---@param names? string[] class names to use, e.g. those of the training set
---@return integer[]|nil ids
---@return string[]|string|nil classes names, nil when the ids are as written; or the message
---@return integer|nil n_classes or the place of the offending label
function M.encode(cells, names)
  if names then
    local ids, message, place = by_names(cells, names)
    if not ids then return nil, message, place end
    return ids, names, #names
  end
  local numeric = math.type(cells[1]) == "integer"
  local list = distinct(cells, not numeric and bytes_before or nil)
  if numeric and is_counting(list) then return cells, nil, #list end
  local id, ids, classes = places(list), {}, {}
  for i, cell in ipairs(cells) do ids[i] = id[cell] end
  for i, cell in ipairs(list) do classes[i] = tostring(cell) end
  return ids, classes, #list
end

return M
