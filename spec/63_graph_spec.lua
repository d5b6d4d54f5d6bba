-- Graphs: values against the same sums written with ops, gradients against central differences, the
-- sequential model bit for bit.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local checks = require "graph_checks"

local nn = ld.nn
local error_of, same_bits = checks.error_of, checks.same_bits
local near, rows, check_gradients = checks.near, checks.rows, checks.check_gradients
local quiet = { verbose = 0 }

describe("a graph", function()
  it("that is a chain is the sequential model, bit for bit", function()
    local x = nn.input { 6 }
    local h = nn.dense { 5, "relu", init = "he_normal" }(x)
    local y = nn.dense { 3, "softmax" }(nn.dropout(0.3)(h))
    local graph = nn.graph { inputs = { x }, outputs = { y } }:build { seed = 4 }
    local list = nn.sequential { nn.dense { 5, "relu", init = "he_normal" }, nn.dropout(0.3),
      nn.dense { 3, "softmax" } }:build({ 6 }, { seed = 4 })
    assert.is_false(graph.plan) -- runs on the fast path
    local data = rows(4, 6):cast "f32"
    same_bits(list(data), graph(data))
    same_bits(list(data, { training = true, step = 3 }), graph(data, { training = true, step = 3 }))
    assert.equal(list:summary(), graph:summary())
  end)

  it("trains to the same bits as the sequential model where its executor runs it", function()
    local x = nn.input { 4, name = "x" }
    local y = nn.dense(1)(nn.dropout(0.2)(nn.dense { 6, "tanh" }(x)))
    local function losses(model)
      local data = { rows(24, 4), rows(24, 1, 5) }
      return ld.experiment({ train = data, model = model, loss = "mse", batch = 7, epochs = 4,
        seed = 2 }):fit(quiet).steps.loss
    end
    local graph = nn.graph { inputs = { x = x }, outputs = { y } }
    assert.is_table(graph:build().plan)
    assert.same(losses(nn.sequential { nn.dense { 6, "tanh" }, nn.dropout(0.2), nn.dense(1) }),
      losses(graph))
  end)

  it("computes branches and joins as the ops do", function()
    local a, b = nn.input { 3 }, nn.input { 2 }
    local h = nn.dense { 4, "tanh" }(a)
    local g = nn.dense { 4 }(b)
    local y = nn.dense(2)(nn.multiply { h, g } + h)
    local model = nn.graph { inputs = { a, b }, outputs = { y } }:build { dtype = "f64" }
    local x, z = rows(5, 3), rows(5, 2, 1)
    local w = function(path) return model:layer(path).weights end
    local left = x:matmul(w"dense_1".kernel):add(w"dense_1".bias):tanh()
    local right = z:matmul(w"dense_2".kernel):add(w"dense_2".bias)
    local wanted = left:mul(right):add(left):matmul(w"dense_3".kernel):add(w"dense_3".bias)
    near(wanted:totable(), model { x, z }, 1e-13)
    check_gradients(model, function() return model { x, z }:square() end)
  end)

  it("shares layers and blocks that are called twice: one set of weights, summed gradients",
    function()
      local a, b = nn.input { 3 }, nn.input { 3 }
      local tower = nn.sequential { name = "tower", nn.dense { 4, "tanh" }, nn.dense(3) }
      local head = nn.dense { 2, name = "head" }
      local joined = nn.concat { tower(a), tower(b) }
      local graph = nn.graph { inputs = { a, b }, outputs = { head(joined) } }
      local model, paths = graph:build { dtype = "f64" }, {}
      for i, layer in ipairs(model:layers()) do paths[i] = layer.path end
      assert.same({ "tower/dense_1", "tower/dense_2", "concat_1", "head" }, paths)
      assert.equal(3 * 4 + 4 + 4 * 3 + 3 + 6 * 2 + 2, model:count())
      local x, z = rows(4, 3), rows(4, 3, 2)
      check_gradients(model, function() return model({ x, z }):square() end)
      -- swapping the inputs and the halves of the head gives the same numbers
      local kernel = model:layer("head").weights.kernel
      local before = model({ x, z })
      kernel:copy_(ld.ops.concat({ kernel:slice(1, 4, 6), kernel:slice(1, 1, 3) }, 1):detach())
      near(before:totable(), model({ z, x }), 1e-13)
      local text = model:summary()
      assert.matches("connected to", text, 1, true)
      assert.matches("tower/dense_1 +tanh +%[4%] +16 +input_1; input_2", text)
      local _, times = text:gsub("\ntower/dense_1 ", "")
      assert.equal(1, times)
    end)

  it("refuses to share a layer between shapes", function()
    local a, b, d = nn.input { 3 }, nn.input { 4 }, nn.dense(2)
    assert.matches("layer 'dense_1' is shared: its first call gives it [batch, features 3], " ..
      "another [batch, features 4]", error_of(function()
        nn.graph({ inputs = { a, b }, outputs = { d(a) + d(b) } }):build()
      end), 1, true)
  end)

  it("draws other masks in every call of a shared dropout", function()
    local x = nn.input { 200 }
    local drop = nn.dropout(0.5)
    local model = nn.graph { inputs = { x }, outputs = { drop(x) - drop(x) } }:build()
    local zeros = model(ld.ones { 1, 200 }, { training = true, step = 1 }):eq(0):sum():item()
    assert.is_true(zeros > 60 and zeros < 140) -- 100 expected, sd 7
  end)

  it("taps see every call", function()
    local a, b, d = nn.input { 3 }, nn.input { 3 }, nn.dense { 2, "relu" }
    local model, seen = nn.graph({ inputs = { a, b }, outputs = { d(a) - d(b) } }):build(), {}
    model:forward({ ld.ones { 1, 3 }, ld.ones { 1, 3 } },
      { tap = function(layer, when) seen[#seen + 1] = layer.path .. " " .. when end })
    assert.same({ "dense_1 before", "dense_1 after", "dense_1 before", "dense_1 after",
      "subtract_1 after" }, seen)
  end)

  it("takes inputs and gives outputs by name", function()
    local a, b = nn.input { 3 }, nn.input { 2 }
    local model = nn.graph { inputs = { left = a, right = b },
      outputs = { sum = nn.dense(2)(a) + b, first = nn.dense(1)(a) } }:build()
    local x = { left = ld.ones { 700, 3 }, right = ld.ones { 700, 2 } }
    local y = model(x)
    assert.same({ { 700, 2 }, { 700, 1 } }, { y.sum.shape, y.first.shape })
    local parts = model:predict(x)
    assert.is_true(ld.allclose(y.sum, parts.sum, 1e-5, 1e-6))
    assert.is_true(ld.allclose(y.first, parts.first, 1e-5, 1e-6))
    local listed = nn.graph { inputs = { a }, outputs = { nn.dense(2)(a), nn.dense(1)(a) } }
      :build()(ld.ones { 4, 3 })
    assert.same({ { 4, 2 }, { 4, 1 } }, { listed[1].shape, listed[2].shape })
  end)

  it("stands in graphs and lists as a block", function()
    local x = nn.input { 4 }
    local block = nn.graph { name = "block", inputs = { x }, outputs = { x + nn.dense(4)(x) } }
    local list = nn.sequential { nn.dense(4), block, nn.dense(1) }:build { 3 }
    assert.equal("block/add_1", list[3].path)
    local a, b = nn.input { 4 }, nn.input { 4 }
    local two = nn.graph { inputs = { p = a, q = b },
      outputs = { up = nn.dense(3)(a + b), down = nn.dense(3)(a) } }
    local z = nn.input { 4 }
    local inner = two { p = z, q = block(z) }
    local model = nn.graph { inputs = { z }, outputs = { inner.up - inner.down } }:build()
    local paths = {}
    for i, layer in ipairs(model:layers()) do paths[i] = layer.path end
    assert.same({ "block/dense_1", "block/add_1", "graph_1/dense_1", "graph_1/add_1",
      "graph_1/dense_2", "subtract_1" }, paths)
  end)

  it("passes states of a recurrent layer on", function()
    local x = nn.input { 5, 3 }
    local _, h, c = nn.lstm { 4, return_state = true }(x)
    local y = nn.lstm { 4, return_sequences = true, return_state = false }(x, h, c)
    local model = nn.graph { inputs = { x }, outputs = { y } }:build { dtype = "f64" }
    assert.same({ 5, 4 }, model.output_shape)
    local data = ld.tensor({ rows(5, 3):totable(), rows(5, 3, 1):totable() }, "f64")
    check_gradients(model, function() return model(data):square() end)
  end)

  it("lets the mask of an embedding go along the edges", function()
    local ids = { ld.tensor { { 1, 2, 0, 0 }, { 3, 0, 0, 0 } },
      ld.tensor { { 2, 2, 2, 0 }, { 1, 3, 2, 1 } } }
    local embed = nn.embedding { 4, 3, mask_zero = true, name = "e" }
    local cell = nn.gru { 5, name = "cell" }
    local one = nn.sequential { embed, nn.dense { 3, "tanh", name = "d" }, cell }:build { 4 }
    local x, z, d = nn.input { 4 }, nn.input { 4 }, nn.dense { 3, "tanh", name = "d" }
    local h, g = embed(x), embed(z) -- both masks are on their way at once
    local two = nn.graph { inputs = { x, z }, outputs = { cell(d(h)), cell(d(g)) } }:build()
    local y = two(ids)
    same_bits(one(ids[1]), y[1])
    same_bits(one(ids[2]), y[2])
    assert.is_false(ld.allclose(y[1], nn.sequential { nn.embedding { 4, 3, name = "e" },
      nn.dense { 3, "tanh", name = "d" }, cell }:build({ 4 })(ids[1]), 1e-5, 1e-6))
  end)

  it("attends from one sequence to another", function()
    local q, v = nn.input { 2, 6 }, nn.input { 5, 6 }
    local model = nn.graph { inputs = { q, v },
      outputs = { nn.multi_head_attention { 2, 3 }(q, v) } }:build { dtype = "f64" }
    assert.same({ 2, 6 }, model.output_shape)
    local a = ld.tensor({ rows(2, 6):totable() }, "f64")
    local b = ld.tensor({ rows(5, 6, 3):totable() }, "f64")
    check_gradients(model, function() return model({ a, b }):square() end)
  end)

  it("gives lambda every input as an argument", function()
    local a, b = nn.input { 3 }, nn.input { 3 }
    local far = nn.lambda(function(p, q) return p:sub(q):square():sum(2, true) end)
    local model = nn.graph { inputs = { a, b }, outputs = { far { a, b } } }:build()
    assert.same({ { 27 } }, model({ ld.full({ 1, 3 }, 5), ld.full({ 1, 3 }, 2) }):totable())
  end)
end)
