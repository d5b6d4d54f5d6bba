-- Data sets of several inputs.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local checks = require "graph_checks"
local made = require "graph_experiments"

local nn = ld.nn
local error_of = checks.error_of
local problem, towers, two_outputs = made.problem, made.towers, made.two_outputs
local quiet = { verbose = 0 }

describe("a data set of several inputs", function()
  local a, b, y, z = problem(40)
  local set = ld.data.arrays { x = { left = a, right = b }, y = y }

  it("keeps partners together", function()
    assert.equal("40 rows of [2] and [3], y of [1]", tostring(set))
    local function pairs_of(s)
      local list = {}
      for i = 1, #s do
        list[i] = table.concat({ s.x.left:get(i, 1), s.x.right:get(i, 2), s.y:get(i, 1) }, " ")
      end
      return list
    end
    local known = {}
    for _, row in ipairs(pairs_of(set)) do known[row] = true end
    local first, second = set:split(0.75, { seed = 1 })
    assert.same({ 30, 10 }, { #first, #second })
    for _, part in ipairs { first, second, set:shuffle(3), set:take { 5, -1 } } do
      for _, row in ipairs(pairs_of(part)) do assert.is_true(known[row]) end
    end
    local n = 0
    for x, target in set:batches { 16, shuffle = true } do
      n = n + #target
      for _, row in ipairs(pairs_of { x = x, y = target }) do assert.is_nil(row:find "nil") end
      assert.equal(#target, #x.left)
      assert.equal(#target, #x.right)
    end
    assert.equal(40, n)
    local doubled = set:map(function(x) return { left = x.left:mul(2), right = x.right } end)
    assert.same(a:mul(2):totable(), doubled.x.left:totable())
    assert.equal(5, #set:describe().columns)
  end)

  it("trains, and feeds a loop of one's own", function()
    local p, q, h = towers()
    local graph = nn.graph { inputs = { left = p, right = q }, outputs = { nn.dense(1)(h) } }
    local train, val = set:split(0.8)
    local run = ld.experiment({ train = train, val = val, model = graph, loss = "mse", batch = 8,
      epochs = 2 }):fit(quiet)
    assert.equal(2, #run.history.val_loss)
    local model = graph:build()
    for x, target in train:batches(16) do assert.same(target.shape, model(x).shape) end
  end)

  it("may have several answers", function()
    local both = ld.data.arrays { x = { p = a, q = b }, y = { size = y, class = z } }
    local run = two_outputs({ train = both, epochs = 1 }):fit(quiet)
    assert.is_number(run:last "class_loss")
    assert.matches("as many rows in every part, got 40 and 39", error_of(ld.data.arrays,
      { x = { a, b:slice(1, 1, 39) } }), 1, true)
  end)
end)
