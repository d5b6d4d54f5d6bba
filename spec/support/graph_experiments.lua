-- Experiments with graphs of two inputs, and with one or two outputs.
local ld = require "lossdbg"
local nn = ld.nn

local M = {}

-- y is a function of both inputs, z (0, 1, 2) of the first alone.
function M.problem(n)
  local a, b, y, z = {}, {}, {}, {}
  for i = 1, n do
    a[i] = { math.sin(1.3 * i), math.cos(0.7 * i) }
    b[i] = { math.sin(2.1 * i), math.cos(i * i), math.sin(0.3 * i) }
    y[i] = { a[i][1] - 2 * b[i][2] }
    z[i] = a[i][1] > 0.3 and 2 or a[i][2] > 0 and 1 or 0
  end
  return ld.tensor(a), ld.tensor(b), ld.tensor(y), ld.tensor(z, "i32")
end

-- Both inputs, and a hidden value that depends on both.
function M.towers()
  local p, q = nn.input { 2, name = "p" }, nn.input { 3, name = "q" }
  local joined = nn.concat { nn.dense { 8, "relu" }(p), nn.dense { 8, "relu" }(q) }
  return p, q, nn.dense { 12, "tanh" }(joined)
end

-- `options` replace the recipe's.
function M.one_output(options)
  local a, b, y = M.problem(60)
  local p, q, h = M.towers()
  local recipe = { train = { x = { a, b }, y = y }, loss = "mse", batch = 16, epochs = 60, seed = 3,
    model = nn.graph { inputs = { p, q }, outputs = { nn.dense(1)(h) } },
    optimizer = ld.optim.adam { lr = 0.01 } }
  for key, value in pairs(options or {}) do recipe[key] = value end
  return ld.experiment(recipe)
end

-- Answers by name: size in y, class in z.
function M.two_outputs(options)
  local a, b, y, z = M.problem(60)
  local p, q, h = M.towers()
  local recipe = { loss = { size = "mse", class = "sparse_crossentropy" }, batch = 16, epochs = 60,
    train = { x = { p = a, q = b }, y = { size = y, class = z } }, seed = 3,
    model = nn.graph { inputs = { p = p, q = q },
      outputs = { size = nn.dense(1)(h), class = nn.dense { 3, "softmax" }(h) } },
    optimizer = ld.optim.adam { lr = 0.01 } }
  for key, value in pairs(options or {}) do recipe[key] = value end
  return ld.experiment(recipe)
end

-- Paths of an experiment's layers.
function M.paths(e)
  local list = {}
  for i, layer in ipairs(e:description().layers) do list[i] = layer.path end
  return list
end

return M
