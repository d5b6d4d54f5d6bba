-- Small data sets whose rows carry their numbers, and ways to look at them.
local assert = require "luassert"
local ld = require "lossdbg"

local M = {}

function M.sample(n, classes)
  local x, y = {}, {}
  for i = 1, n do
    x[i], y[i] = { i, -i }, (i - 1) % (classes or 2)
  end
  return ld.data.arrays { x, y, columns = { "up", "down" } }
end

function M.first_column(set)
  local list = {}
  for i, row in ipairs(set.x:totable()) do list[i] = math.tointeger(row[1]) end
  return list
end

function M.sorted(list)
  table.sort(list)
  return list
end

function M.joined(...)
  local all = {}
  for _, list in ipairs { ... } do
    for _, value in ipairs(list) do all[#all + 1] = value end
  end
  return all
end

function M.counting(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

function M.raises(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(tostring(message):find(pattern, 1, true), message)
end

return M
