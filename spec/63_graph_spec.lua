-- Graphs: values against the same sums written with ops, gradients against central differences
-- written here, the sequential model bit for bit, merge layers against Keras (parity/merge.lua).
local ld = require "lossdbg"
local nn = ld.nn

local quiet = { verbose = 0 }

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

local function same_bits(a, b) assert.same(a:totable(), b:totable()) end

local function near(expected, tensor, tolerance)
  local function flat(list, out)
    for _, value in ipairs(list) do
      if type(value) == "table" then flat(value, out) else out[#out + 1] = value end
    end
    return out
  end
  local wanted, got = flat(expected, {}), flat({ tensor:totable() }, {})
  assert.equal(#wanted, #got)
  for i, value in ipairs(wanted) do
    assert.near(value, got[i], tolerance * math.max(1, math.abs(value)))
  end
end

-- The same numbers on every machine.
local function rows(n, width, phase)
  local list = {}
  for i = 1, n do
    list[i] = {}
    for j = 1, width do list[i][j] = math.sin(1.7 * i + 2.3 * j + (phase or 0)) end
  end
  return ld.tensor(list, "f64")
end

-- Every gradient of sum(f()) against central differences.
local function check_gradients(model, f)
  local worst, n = 0, 0
  for _, p in model:parameters() do p.grad = nil end
  f():sum():backward()
  for _, p in model:parameters() do
    local flat, grad = p:detach():reshape { p.numel }, p.grad:reshape { p.numel }
    for i = 1, p.numel do
      local x, h = flat[i], 1e-6
      flat[i] = x + h
      local up = f():sum():item()
      flat[i] = x - h
      local down = f():sum():item()
      flat[i] = x
      n, worst = n + 1, math.max(worst, math.abs((up - down) / (2 * h) - grad[i]))
    end
  end
  assert.is_true(n > 0)
  assert.is_true(worst < 1e-7, "worst gradient error " .. worst)
end

describe("merge layers", function()
  for number, case in ipairs(dofile "spec/parity/merge.lua") do
    it(("%d: %s like Keras, values and gradients"):format(number, case.kind), function()
      local symbols, tensors = {}, {}
      for i, values in ipairs(case.inputs) do
        tensors[i] = ld.tensor(values, "f64")
        tensors[i].requires_grad = true
        symbols[i] = nn.input(table.move(tensors[i].shape, 2, tensors[i].rank, 1, {}))
      end
      local given = table.move(symbols, 1, #symbols, 1, {})
      for key, value in pairs(case.options) do given[key] = value end
      local model = nn.graph { inputs = symbols, outputs = nn[case.kind](given) }
        :build { dtype = "f64" }
      local y = model(tensors)
      near(case.output, y, 1e-12)
      assert.same(table.move(y.shape, 2, y.rank, 1, {}), model.output_shape)
      y:mul(ld.tensor(case.weights, "f64")):sum():backward()
      for i, gradient in ipairs(case.gradients) do near(gradient, tensors[i].grad, 1e-11) end
    end)
  end

  it("say what does not fit", function()
    local a, b = nn.input { 3, 4 }, nn.input { 3, 5 }
    local message = error_of(function()
      nn.graph({ inputs = { a, b }, outputs = { nn.add { a, b } } }):build()
    end)
    assert.matches("layer 'add_1' (written in ", message, 1, true)
    assert.matches("inputs of one shape (or that broadcast), got [batch, steps 3, features 4], " ..
      "[batch, steps 3, features 5]", message, 1, true)
    message = error_of(function()
      nn.graph({ inputs = { a, b }, outputs = nn.concat { a, b, axis = 2 } }):build()
    end)
    assert.matches("inputs that differ in axis 2 alone", message, 1, true)
    message = error_of(function()
      nn.graph({ inputs = { a, b }, outputs = nn.concat { a, b, axis = 1 } }):build()
    end)
    assert.matches("an axis from 2 to 3 (1 is the batch)", message, 1, true)
    assert.matches("expected 2 or more inputs, got 1", error_of(nn.add, { a }), 1, true)
    assert.matches("expected 2 inputs, got 3", error_of(nn.subtract, { a, a, a }), 1, true)
    assert.matches("expected 2 or more inputs, got one",
      error_of(function() nn.sequential({ nn.add() }):build { 3 } end), 1, true)
    local holed = { a, nil, b }
    assert.matches("a misspelt variable?", error_of(nn.add, holed), 1, true)
  end)
end)

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

describe("residual blocks", function()
  it("add their input, or what the shortcut makes of it", function()
    local model = nn.sequential {
      nn.residual { nn.dense { 3, "relu" }, nn.dense(3) },
      nn.residual { nn.dense(2), shortcut = nn.dense { 2, bias = false } },
    }:build({ 3 }, { dtype = "f64" })
    local w = function(path) return model:layer(path).weights end
    local x = rows(4, 3)
    local h = x:matmul(w"residual_1/dense_1".kernel):relu():matmul(w"residual_1/dense_2".kernel)
      :add(x)
    local y = h:matmul(w"residual_2/dense_1".kernel)
      :add(h:matmul(w"residual_2/shortcut/dense_1".kernel))
    near(y:totable(), model(x), 1e-13)
    check_gradients(model, function() return model(x):square() end)
    assert.matches("layer 'residual_1/add'", error_of(function()
      nn.sequential({ nn.residual { nn.dense(2) } }):build { 3 }
    end), 1, true)
  end)

  it("train where the plain stack of the same depth does not", function()
    local function loss(deep)
      local layers = { nn.dense { 8, "tanh" } }
      for _ = 1, 20 do layers[#layers + 1] = deep() end
      layers[#layers + 1] = nn.dense(1)
      local x, y = rows(48, 2):totable(), {}
      for i, row in ipairs(x) do y[i] = { row[1] - 2 * row[2] } end
      return ld.experiment({ train = { x, y }, model = nn.sequential(layers), loss = "mse",
        optimizer = ld.optim.adam { lr = 3e-3 }, batch = 16, epochs = 40 }):fit(quiet):last "loss"
    end
    local small = { "random_normal", std = 0.05 }
    local plain = loss(function() return nn.dense { 8, "tanh", init = small } end)
    local residual = loss(function()
      return nn.residual { nn.dense { 8, "tanh", init = small } }
    end)
    assert.is_true(residual < 0.2 * plain, ("%g against %g"):format(residual, plain))
  end)
end)

describe("models made from graphs", function()
  local function two_towers()
    local a, b = nn.input { 3 }, nn.input { 2 }
    local h = nn.concat { nn.dense { 4, "relu" }(a), nn.dense { 4, "relu" }(b) }
    return nn.graph { inputs = { a, b }, outputs = { nn.dense(1)(h) } }
  end
  local x = { rows(6, 3):cast "f32", rows(6, 2):cast "f32" }

  it("clone, save, freeze and convert as others do", function()
    local model = two_towers():build { seed = 1 }
    local twin, y = model:clone(), model(x)
    same_bits(y, twin(x))
    local state = model:state()
    twin:layer("dense_1").weights.kernel:fill_(0)
    same_bits(y, model(x))
    twin:load_state(state)
    same_bits(y, twin(x))
    twin:freeze "dense_2"
    twin(x):sum():backward()
    assert.is_nil(twin:layer("dense_2").weights.kernel.grad)
    assert.is_not_nil(twin:layer("dense_1").weights.kernel.grad)
    assert.equal(model:count() - 12, twin:count(true))
    assert.is_true(ld.allclose(y, twin:to("f64")(x):cast "f32", 1e-5, 1e-6))
    same_bits(y, two_towers():build({ seed = 9 }):take_over(model)(x))
  end)

  it("pass the gradient check", function()
    local report = ld.gradcheck(two_towers():build(), x, rows(6, 1, 4), { loss = "mse" })
    assert.is_true(report.passed)
    assert.is_true(report.checked > 20)
  end)

  it("say which input is wrong", function()
    local model = two_towers():build()
    assert.matches("expected a tensor for the input 'input_2', got nil (the input is missing)",
      error_of(model, { x[1] }), 1, true)
    assert.matches("a table of 2 tensors: input_1, input_2", error_of(model, x[1]), 1, true)
    assert.matches("unknown input \"right\"", error_of(model, { x[1], x[2], right = x[1] }), 1,
      true)
    local message = error_of(model, { x[1], x[1] })
    assert.matches("layer 'input_2' (written in ", message, 1, true)
    assert.matches("expected input [batch, features 2], got [batch, features 3]", message, 1, true)
    assert.matches("got 6 of 'input_1' and 4 of 'input_2'",
      error_of(model, { x[1], ld.ones { 4, 2 } }), 1, true)
    assert.matches("layer 'input_1'", error_of(function() two_towers():build { { 7 }, { 2 } } end),
      1, true)
  end)
end)

describe("messages of graphs", function()
  local a, b = nn.input { 3, name = "left" }, nn.input { 3, name = "right" }

  it("name inputs that lead nowhere or are missing", function()
    assert.matches("no output depends on 'right' (written in ",
      error_of(nn.graph, { inputs = { a, b }, outputs = { nn.dense(1)(a) } }), 1, true)
    local message = error_of(nn.graph, { inputs = { a }, outputs = { a + b } })
    assert.matches("they depend on the input 'right' (written in ", message, 1, true)
    assert.matches("not among the inputs", message, 1, true)
    assert.matches("every input once", error_of(nn.graph, { inputs = { a, a },
      outputs = { nn.dense(1)(a) } }), 1, true)
    assert.matches("the graph has no layer", error_of(nn.graph, { inputs = { a }, outputs = a }), 1,
      true)
  end)

  it("name cycles", function()
    local h = nn.dense(3)(a)
    local y = nn.add { h, a }
    h.call.inputs[1] = y
    assert.matches("a cycle goes through nn.add (written in ",
      error_of(nn.graph, { inputs = { a }, outputs = { y } }), 1, true)
  end)

  it("tell descriptions, tensors and values apart", function()
    assert.matches("a layer that was never called: write nn.dense(4)(x)",
      error_of(nn.graph, { inputs = { a }, outputs = { nn.dense(1) } }), 1, true)
    assert.matches("a description computes nothing: build a model",
      error_of(nn.dense(2), ld.ones { 1, 3 }), 1, true)
    assert.matches("nn.dense: argument 'input': expected a symbolic value",
      error_of(nn.dense(2), nn.dense(3)), 1, true)
    assert.matches("expected 1 input, got 2 (join them first",
      error_of(nn.dense(2), a, b), 1, true)
    assert.matches("positive integers", error_of(nn.input, { 3, 0 }), 1, true)
    assert.matches("unknown option 'nam'; did you mean 'name'",
      error_of(nn.input, { 3, nam = "x" }), 1, true)
    assert.matches("two symbolic values", error_of(function() return a + 1 end), 1, true)
  end)
end)
