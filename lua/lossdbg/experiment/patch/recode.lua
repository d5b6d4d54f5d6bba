--- Targets in another code: class ids from 0, one-hot rows, 0 and 1, -1 and 1. The code is read
-- from the training rows, so that validation rows mean the same.
local options = require "lossdbg.support.options"
local source = require "lossdbg.support.source"
local tensors = require "lossdbg.tensor"

local M = {}

M.codes = { "index", "one_hot", "zero_one", "plus_minus_one" }

local function fail(expected, got, cause)
  options.fail("experiment:with", "labels", expected, got, cause, source.level())
end

-- One number a row (or a step): the value itself, or the place of the largest in a one-hot row.
local function numbers(y)
  local width = y.shape[#y.shape]
  if y.dtype ~= "i32" and y.rank > 1 and width > 1 then
    local n = y.numel // width
    return y:reshape({ n, width }):argmax(-1):sub(1):reshape({ n }):totable()
  end
  return y:contiguous():reshape({ y.numel }):totable()
end

local function distinct(list)
  local seen, values = {}, {}
  for _, value in ipairs(list) do
    if value ~= value then fail("labels without NaN", value) end
    if not seen[value] then
      seen[value] = true
      values[#values + 1] = value
    end
  end
  table.sort(values)
  return values
end

---What each label of the training rows means: the classes in the order of their values.
---@param y userdata
---@return table<number, integer> id of every value
---@return integer classes
function M.classes(y)
  local values = distinct(numbers(y))
  if 2 * #values > y.shape[1] and #values > 2 then
    fail("labels that repeat", #values, "so many different values: a regression target?")
  end
  local id = {}
  for i, value in ipairs(values) do id[value] = i - 1 end
  return id, #values
end

local function ids_of(y, id)
  local list = numbers(y)
  for i, value in ipairs(list) do
    if not id[value] then
      fail("labels that the training rows have", value, "a class that is in no training row")
    end
    list[i] = id[value]
  end
  return list
end

-- Shape without the axis of classes.
local function outer_shape(y)
  local shape = y.shape
  local last = shape[#shape]
  if #shape > 1 and (last == 1 or y.dtype ~= "i32") then shape[#shape] = nil end
  return shape
end

---Rows whose targets are coded anew.
---@param rows lossdbg.Rows
---@param code string one of M.codes
---@param id table<number, integer>
---@param classes integer
---@return lossdbg.Rows
function M.rows(rows, code, id, classes)
  local list = ids_of(rows.y, id)
  local y
  if code == "index" then
    y = tensors.tensor(list, "i32"):reshape(outer_shape(rows.y))
  elseif code == "one_hot" then
    local shape = outer_shape(rows.y)
    shape[#shape + 1] = classes
    y = tensors.tensor(list, "i32"):one_hot(classes):cast("f32"):reshape(shape)
  else
    if classes ~= 2 then fail("two different labels", classes) end
    y = tensors.tensor(list, "f32"):reshape { #list, 1 }
    if code == "plus_minus_one" then y = y:mul(2):sub(1) end
  end
  return { x = rows.x, y = y, names = rows.names,
    classes = rows.classes and #rows.classes == classes and rows.classes or nil,
    n_classes = code == "index" and classes or nil }
end

return M
