--- What fit does between its batches: the order of the rows, and the rate of every step.
local ld = require "lossdbg"

local function experiment(o)
  local x, y = {}, {}
  for i = 1, 32 do x[i], y[i] = { i }, { 1000 } end
  return ld.experiment { train = { ld.tensor(x), ld.tensor(y) },
    model = { ld.nn.dense { 1, use_bias = false, init = "zeros" } }, loss = "mae", batch = 8,
    epochs = o.epochs or 2, seed = o.seed or 1, shuffle = o.shuffle ~= false,
    optimizer = ld.optim.sgd { lr = 1e-6 } }
end

-- The rows of every epoch, in the order in which fit visits them.
local function visited(o)
  local epochs, e, n = {}, experiment(o), 0
  e:fit { verbose = 0, on_step = function(ctx)
    local epoch = n // 4 + 1
    epochs[epoch] = epochs[epoch] or {}
    for _, row in ipairs(ctx.x:totable()) do table.insert(epochs[epoch], row[1]) end
    n = n + 1
  end }
  return epochs
end

local function sorted(list)
  local copy = table.move(list, 1, #list, 1, {})
  table.sort(copy)
  return copy
end

describe("the order of rows in fit", function()
  it("differs from epoch to epoch and from seed to seed, and holds every row once", function()
    local one, two = visited { seed = 1 }, visited { seed = 2 }
    local all = {}
    for i = 1, 32 do all[i] = i end
    for _, order in ipairs { one[1], one[2], two[1], two[2] } do
      assert.same(all, sorted(order))
      assert.not_same(all, order)
    end
    assert.not_same(one[1], one[2])
    assert.not_same(one[1], two[1])
    assert.same(one, visited { seed = 1 })
  end)

  it("is that of the data without shuffling", function()
    local epochs = visited { shuffle = false }
    local all = {}
    for i = 1, 32 do all[i] = i end
    assert.same(all, epochs[1])
    assert.same(all, epochs[2])
  end)
end)

describe("a schedule in replayed steps", function()
  -- d|w - 1000| / dw = -1: every step adds its rate to the weight, which started from 0.
  it("moves the weight by the sum of its rates", function()
    local x, y = {}, {}
    for i = 1, 8 do x[i], y[i] = { 1 }, { 1000 } end
    local steps, lr = 40, 0.5
    local run = ld.experiment { train = { ld.tensor(x), ld.tensor(y) },
      model = { ld.nn.dense { 1, use_bias = false, init = "zeros" } }, loss = "mae", batch = 8,
      epochs = steps, optimizer = ld.optim.sgd { lr = lr },
      schedule = { name = "exponential", lr = lr, rate = 0.9, steps = 1 } }:fit { verbose = 0 }
    local sum = 0
    for t = 0, steps - 1 do sum = sum + lr * 0.9 ^ t end
    local weight
    for _, p in run.model:parameters() do weight = p:item() end
    assert.is_true(math.abs(weight - sum) < 1e-4, weight .. " instead of " .. sum)
  end)
end)
