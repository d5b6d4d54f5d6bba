-- Patches of the output and of the code of the labels fit whatever ends the network.
local ld = require "lossdbg"
local nn = ld.nn

local function rows(n, sample, label)
  local x, y = {}, {}
  for i = 1, n do x[i], y[i] = sample(i), label(i) end
  return { ld.tensor(x), ld.tensor(y) }
end

local function steps(i) return { { i % 4 }, { i % 3 }, { i % 2 } } end
local function three(i) return { i % 4, i % 3, i % 2 } end

local function experiment(sample, layers, options)
  local recipe = { train = rows(12, sample, function(i) return { i % 2 } end), loss = "mse",
    model = nn.sequential(layers), batch = 4, epochs = 1 }
  for key, value in pairs(options or {}) do recipe[key] = value end
  return ld.experiment(recipe)
end

local function ends(e)
  local list = e:description().layers
  local last = list[#list]
  return { last.kind, last.activation or "linear", table.concat(last.output_shape, "x") }
end

local function trains(e)
  local run = e:fit { verbose = 0 }
  assert.equal("completed", run.stopped)
end

describe("patch output", function()
  it("changes the last weights, not a dense layer before them", function()
    local e = experiment(three, { nn.dense { 4, "relu" }, nn.reshape { 4, 1 },
      nn.conv1d { 1, 4, "tanh" }, nn.flatten() }):with { output = { activation = "sigmoid" } }
    local layers = e:description().layers
    assert.same({ "relu", "sigmoid" }, { layers[1].activation, layers[3].activation })
    trains(e)
  end)

  it("replaces activation layers behind them", function()
    local e = experiment(three, { nn.dense { 1, "tanh" }, nn.activation "relu" }):with {
      output = { activation = "sigmoid" } }
    assert.same({ "dense", "sigmoid", "1" }, ends(e))
    trains(e)
  end)

  it("puts a dense layer behind a recurrent one", function()
    local e = experiment(steps, { nn.lstm { 1 } }):with { output = { activation = "linear" } }
    assert.same({ "dense", "linear", "1" }, ends(e))
    trains(e)
    e = experiment(steps, { nn.lstm { 4 }, nn.activation "softmax" }, {
      loss = "sparse_crossentropy", train = rows(12, steps, function(i) return i % 2 end) })
    e = e:with { output = { units = 3, activation = "softmax" } }
    assert.same({ "dense", "softmax", "3" }, ends(e))
    trains(e)
  end)

  it("puts a dense layer behind a flatten when the number of units changes", function()
    local e = experiment(steps, { nn.conv1d { 2, 1 }, nn.flatten(), nn.activation "sigmoid" }, {
      loss = "sparse_crossentropy", train = rows(12, steps, function(i) return i % 2 end) })
    assert.same({ "activation", "sigmoid", "6" }, ends(e))
    e = e:with { output = { units = 2, activation = "softmax" } }
    assert.same({ "dense", "softmax", "2" }, ends(e))
    trains(e)
  end)

  it("puts an activation behind a layer of the user's", function()
    local e = experiment(three, { nn.dense { 2 }, nn.lambda(function(x)
      return x:sum(-1, true)
    end) }):with { output = { activation = "sigmoid" } }
    assert.same({ "activation", "sigmoid", "1" }, ends(e))
    trains(e)
  end)

  it("says what it needs where a linear output cannot be had by an activation", function()
    local e = experiment(three, { nn.dense { 2 }, nn.lambda(function(x)
      return x:sum(-1, true):tanh()
    end) })
    local ok, message = pcall(e.with, e, { output = { activation = "linear" } })
    assert.is_false(ok)
    assert.matches("give units as well", message, 1, true)
    assert.same({ "dense", "linear", "1" },
      ends(e:with { output = { activation = "linear", units = 1 } }))
  end)

  it("leaves the experiment as it is", function()
    local e = experiment(three, { nn.dense { 1, "tanh" }, nn.activation "relu" })
    e:with { output = { activation = "sigmoid", units = 1 } }
    assert.same({ "activation", "relu", "1" }, ends(e))
  end)
end)

describe("patch labels", function()
  local function coded(values, code, val)
    local function part(list)
      return list and rows(#list, three, function(i) return list[i] end)
    end
    local e = experiment(three, { nn.dense { 1 } }, { train = part(values), val = part(val) })
    local ok, patched = pcall(e.with, e, { labels = code })
    if not ok then return nil, patched end
    return patched.recipe.train_rows.y, patched.recipe.val_rows and patched.recipe.val_rows.y
  end

  it("numbers classes in the order of their values", function()
    local y = coded({ 10, 20, 40, 10, 20, 40, 10 }, "index")
    assert.same({ "i32", { 0, 1, 2, 0, 1, 2, 0 } }, { y.dtype, y:totable() })
    y = coded({ 0.5, 0, 1, 0.5, 0, 1 }, "index")
    assert.same({ 1, 0, 2, 1, 0, 2 }, y:totable())
  end)

  it("makes rows, zeros and signs", function()
    assert.same({ { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 }, { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } },
      coded({ 1, 2, 3, 1, 2, 3 }, "one_hot"):totable())
    assert.same({ { 0 }, { 1 }, { 0 }, { 1 } }, coded({ -1, 1, -1, 1 }, "zero_one"):totable())
    assert.same({ { -1 }, { 1 }, { -1 } }, coded({ 0, 1, 0 }, "plus_minus_one"):totable())
  end)

  it("reads one-hot rows", function()
    local y = coded({ { 0, 1, 0 }, { 1, 0, 0 }, { 0, 0, 1 }, { 0, 1, 0 }, { 1, 0, 0 },
      { 0, 0, 1 } }, "index")
    assert.same({ 1, 0, 2, 1, 0, 2 }, y:totable())
  end)

  it("means the same in validation rows", function()
    local _, val = coded({ 10, 20, 40, 10, 20, 40 }, "index", { 40, 40, 20 })
    assert.same({ 2, 2, 1 }, val:totable())
    local _, message = coded({ 10, 20, 10, 20 }, "index", { 30 })
    assert.matches("expected labels that the training rows have, got 30", message, 1, true)
  end)

  it("refuses what has no classes", function()
    local _, message = coded({ 0.1, 0.2, 0.3, 0.4 }, "index")
    assert.matches("expected labels that repeat, got 4", message, 1, true)
    _, message = coded({ 0, 1, 2, 0, 1, 2 }, "zero_one")
    assert.matches("expected two different labels, got 3", message, 1, true)
    _, message = coded({ 0, 1 }, "binary")
    assert.matches("\"zero_one\"", message, 1, true)
  end)
end)
