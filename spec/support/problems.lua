-- Small problems with known answers, as experiments.
local assert = require "luassert"
local ld = require "lossdbg"
local nn = ld.nn

local M = {}

function M.error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

-- 24 rows made from sines; the constants below are numpy.linalg.lstsq on the same numbers.
function M.linear_problem()
  local x, y = {}, {}
  for i = 1, 24 do
    x[i] = { math.sin(1.3 * i), math.cos(0.7 * i), math.sin(0.37 * i * i) }
    y[i] = { 2 * x[i][1] - x[i][2] + 0.5 * x[i][3] + 3 + 0.3 * math.cos(5 * i) }
  end
  return { ld.tensor(x, "f64"), ld.tensor(y, "f64") }
end

function M.linear(options)
  local recipe = { train = M.linear_problem(), model = nn.sequential { nn.dense(1) }, loss = "mse",
    optimizer = ld.optim.sgd { lr = 0.5 }, batch = 24, epochs = 400, dtype = "f64" }
  for key, value in pairs(options or {}) do recipe[key] = value end
  return ld.experiment(recipe)
end

-- Three clouds that a small network separates.
function M.clouds(n)
  local x, y = {}, {}
  for i = 1, n do
    local id = i % 3
    x[i] = { 0.4 * math.sin(12.9 * i) + 2 * id, 0.4 * math.cos(4.1 * i) - id }
    y[i] = id
  end
  return { ld.tensor(x), ld.tensor(y, "i32") }
end

-- Two well separated clouds: learnt in a few epochs at a sensible rate.
function M.two_clouds(n)
  local x, y = {}, {}
  for i = 1, n do
    local class = i % 2
    local angle = i * 2.399963
    x[i] = { (class == 0 and -2 or 2) + math.cos(angle) * 0.5, math.sin(angle) * 0.5 }
    y[i] = class
  end
  return { ld.tensor(x), ld.tensor(y, "i32") }
end

function M.classifier(options)
  local recipe = { train = M.clouds(60), val = M.clouds(20), loss = "sparse_crossentropy",
    model = nn.sequential { nn.dense { 8, "relu" }, nn.dropout(0.1), nn.dense { 3, "softmax" } },
    optimizer = ld.optim.sgd { lr = 0.1 }, batch = 16, epochs = 5, seed = 3 }
  for key, value in pairs(options or {}) do recipe[key] = value end
  return ld.experiment(recipe)
end

return M
