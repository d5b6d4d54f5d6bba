-- Experiments with graphs: several inputs, several outputs, patches, diagnosis.
local ld = require "lossdbg"
local nn = ld.nn

local quiet = { verbose = 0 }

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

-- y is a function of both inputs, z (0, 1, 2) of the first alone.
local function problem(n)
  local a, b, y, z = {}, {}, {}, {}
  for i = 1, n do
    a[i] = { math.sin(1.3 * i), math.cos(0.7 * i) }
    b[i] = { math.sin(2.1 * i), math.cos(i * i), math.sin(0.3 * i) }
    y[i] = { a[i][1] - 2 * b[i][2] }
    z[i] = a[i][1] > 0.3 and 2 or a[i][2] > 0 and 1 or 0
  end
  return ld.tensor(a), ld.tensor(b), ld.tensor(y), ld.tensor(z, "i32")
end

local function towers()
  local p, q = nn.input { 2, name = "p" }, nn.input { 3, name = "q" }
  local joined = nn.concat { nn.dense { 8, "relu" }(p), nn.dense { 8, "relu" }(q) }
  return p, q, nn.dense { 12, "tanh" }(joined)
end

local function one_output(options)
  local a, b, y = problem(60)
  local p, q, h = towers()
  local recipe = { train = { x = { a, b }, y = y }, loss = "mse", batch = 16, epochs = 60, seed = 3,
    model = nn.graph { inputs = { p, q }, outputs = { nn.dense(1)(h) } },
    optimizer = ld.optim.adam { lr = 0.01 } }
  for key, value in pairs(options or {}) do recipe[key] = value end
  return ld.experiment(recipe)
end

local function two_outputs(options)
  local a, b, y, z = problem(60)
  local p, q, h = towers()
  local recipe = { loss = { size = "mse", class = "sparse_crossentropy" }, batch = 16, epochs = 60,
    train = { x = { p = a, q = b }, y = { size = y, class = z } }, seed = 3,
    model = nn.graph { inputs = { p = p, q = q },
      outputs = { size = nn.dense(1)(h), class = nn.dense { 3, "softmax" }(h) } },
    optimizer = ld.optim.adam { lr = 0.01 } }
  for key, value in pairs(options or {}) do recipe[key] = value end
  return ld.experiment(recipe)
end

local function paths(e)
  local list = {}
  for i, layer in ipairs(e:description().layers) do list[i] = layer.path end
  return list
end

describe("two inputs", function()
  it("train, each row with its partner", function()
    local a, b, y = problem(20)
    local run = one_output({ val = { x = { a, b }, y = y } }):fit(quiet)
    assert.is_true(run:last "loss" < 0.05 * run.history.loss[1])
    assert.is_true(run:last "val_loss" < 0.1)
    assert.same(run.history, one_output({ val = { x = { a, b }, y = y } }):fit(quiet).history)
    local result = run.model:evaluate({ x = { a, b }, y = y }, { loss = "mse", batch = 7 })
    assert.near(run:last "val_loss", result.loss, 1e-6)
    assert.same({ 20, 1 }, run:predict({ a, b }).shape)
  end)

  it("reach what the same rows side by side reach with one input", function()
    -- a linear model on [p, q] is the linear model on p and q: least squares by both ways
    local a, b, y = problem(40)
    local p, q = nn.input(2), nn.input(3)
    local joined = nn.dense { 1, name = "out" }(nn.concat { p, q })
    local function fit(model, x)
      return ld.experiment({ train = { x = x, y = y }, model = model, loss = "mse", batch = 8,
        epochs = 3, seed = 1, optimizer = ld.optim.sgd { lr = 0.1 } }):fit(quiet)
    end
    local two = fit(nn.graph { inputs = { p, q }, outputs = { joined } }, { a, b })
    local one = fit(nn.sequential { nn.dense { 1, name = "out" } }, ld.ops.concat({ a, b }, 2))
    assert.same(one.steps.loss, two.steps.loss)
  end)

  it("are checked", function()
    local a, b, y = problem(10)
    local short = b:slice(1, 1, 9)
    assert.matches("as many rows in every part of x, got 10 and 9",
      error_of(one_output, { train = { x = { a, short }, y = y } }), 1, true)
    assert.matches("layer 'q' (written in ", error_of(function()
      one_output({ train = { x = { a, a }, y = y } }):fit(quiet)
    end), 1, true)
    assert.matches("the model has 2 inputs, there is no shape for 'q'", error_of(function()
      one_output({ train = { x = { a }, y = y } }):fit(quiet)
    end), 1, true)
    assert.matches("rows of shape [2], [3] as in train, got [3], [2]",
      error_of(one_output, { val = { x = { b, a }, y = y } }), 1, true)
  end)

  it("drop rows that are not finite, and name them", function()
    local a, b, y = problem(30)
    b:set(0 / 0, 17, 2)
    local e = one_output { train = { x = { a, b }, y = y } }
    local run = e:fit(quiet)
    assert.same({ "input", { 17 } }, { run.signals.nonfinite.what, run.signals.nonfinite.rows })
    assert.equal(29, e:with({ data = "drop_nonfinite" }):description().n_train)
  end)

  it("are measured and diagnosed", function()
    local a, b, y = problem(60)
    local e = one_output { train = { x = { a, b:mul(500) }, y = y }, epochs = 20 }
    local run = e:fit(quiet)
    assert.is_number(run.signals.init.layers.concat_1.act_std)
    assert.is_number(run.signals.skill.value)
    local found = {}
    for _, finding in ipairs(e:diagnose { trials = false }) do found[finding.rule] = true end
    assert.is_true(found.input_not_normalized)
  end)

  it("can be watched in a loop of one's own", function()
    local a, b, y = problem(30)
    local p, q, h = towers()
    local model = nn.graph({ inputs = { p, q }, outputs = { nn.dense(1)(h) } }):build()
    local opt, loss = ld.optim.sgd { model, lr = 0.05 }, ld.loss.mse()
    local watch <close> = ld.watch(model, opt, { loss = loss, data = { x = { a, b }, y = y } })
    for _ = 1, 5 do
      local l = loss(model { a, b }, y)
      opt:zero_grad()
      l:backward()
      opt:step()
      watch:step(l)
    end
    assert.equal(5, watch:run().n_steps)
    assert.is_number(watch:run().signals.final.loss)
  end)
end)

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

describe("two outputs", function()
  it("descend the weighted sum of their losses", function()
    local run = two_outputs { loss_weights = { size = 0.5, class = 2 } }:fit(quiet)
    local h = run.history
    for epoch = 1, #run, 20 do
      assert.near(0.5 * h.size_loss[epoch] + 2 * h.class_loss[epoch], h.loss[epoch], 1e-5)
    end
    assert.is_true(run:last "size_loss" < 0.1)
    assert.is_true(run:last "class_accuracy" > 0.9)
    assert.is_number(run:last "size_mae")
    local sizes = run.model:predict(two_outputs().train.x).size
    assert.same({ 60, 1 }, sizes.shape)
  end)

  it("know the best constant answer", function()
    local _, _, y, z = problem(60)
    local shares, entropy = { 0, 0, 0 }, 0
    for _, id in ipairs(z:totable()) do shares[id + 1] = shares[id + 1] + 1 / 60 end
    for _, share in ipairs(shares) do entropy = entropy - share * math.log(share) end
    local run = two_outputs({ epochs = 1, loss_weights = { class = 3 } }):fit(quiet)
    assert.near(y:cast("f64"):var():item() + 3 * entropy, run.signals.baseline, 1e-6)
  end)

  it("are checked", function()
    local _, _, y = problem(60)
    assert.matches("argument 'loss': the model has no output \"klass\"; did you mean 'class'",
      error_of(two_outputs, { loss = { size = "mse", klass = "mse" } }), 1, true)
    assert.matches("argument 'loss': there is none for the output 'class'",
      error_of(two_outputs, { loss = { size = "mse" } }), 1, true)
    assert.matches("the model has no output \"sise\"",
      error_of(two_outputs, { loss_weights = { sise = 1 } }), 1, true)
    local a, b = problem(60)
    assert.matches("targets for the output 'class'", error_of(function()
      two_outputs({ train = { x = { p = a, q = b }, y = { size = y } } }):fit(quiet)
    end), 1, true)
    assert.matches("argument 'class_weight': expected a model with one output", error_of(function()
      two_outputs({ class_weight = { [0] = 2 } }):fit(quiet)
    end), 1, true)
  end)

  it("take patches of single losses", function()
    local e = two_outputs():with { loss = { size = "mae" } }
    local parts = e:description().loss.parts
    assert.same({ "class", "sparse_crossentropy", "size", "mae" },
      { parts[1].output, parts[1].name, parts[2].output, parts[2].name })
  end)

  it("are diagnosed", function()
    local diagnosis = two_outputs({ epochs = 30 }):diagnose { trials = false }
    assert.is_string(diagnosis.verdict)
    for _, finding in ipairs(diagnosis) do
      assert.are_not.equal("softmax_hidden_activation", finding.rule)
    end
  end)
end)

describe("the structure that rules read", function()
  local function structure(model, shape)
    local layers = require("lossdbg.describe").model(model:build(shape)).layers
    return require("lossdbg.diagnose.structure").of { layers = layers }
  end

  it("follows the edges and not the order of the list", function()
    local x, z = nn.input(3), nn.input(3)
    local h = nn.activation "relu" (nn.dense(4)(x) + nn.dense(4)(z))
    local net = structure(nn.graph { inputs = { x, z },
      outputs = { nn.dense { 2, "softmax" }(h), nn.dense(1)(h) } })
    assert.same({ dense_1 = { "relu" }, dense_2 = { "relu" }, dense_3 = { "softmax" },
      dense_4 = {} }, net.after)
    assert.same({ dense_3 = true, dense_4 = true }, net.heads)
    assert.same({}, net.collapsed)
  end)

  it("tells linear maps that collapse from residual ones that do not", function()
    local function collapsed(block)
      return structure(nn.sequential { nn.dense { 4, "relu" }, block, nn.dense(1) }, 3).collapsed
    end
    assert.same({}, collapsed(nn.residual { nn.dense(4) }))
    assert.same({ "residual_1/dense_1" }, collapsed(nn.residual { nn.dense(4), nn.dense(4) }))
  end)

  it("sees an input that goes round the normalisation", function()
    local x, z = nn.input(3), nn.input(3)
    local scaled = function(v) return nn.normalization { mean = 1, variance = 2 }(v) end
    local function of(a, b)
      return structure(nn.graph { inputs = { x, z }, outputs = { nn.dense(1)(nn.dense(2)(a)
        + nn.dense(2)(b)) } }).input_scaling
    end
    assert.equal("normalised", of(scaled(x), scaled(z)))
    assert.equal("none", of(scaled(x), z))
  end)
end)

describe("patches of graphs", function()
  local relu = { kind = "activation", activation = "relu" }
  local dropout, double = { kind = "dropout", rate = 0.5 }, { kind = "rescale", scale = 2 }

  it("insert behind every input, behind and before a layer", function()
    local e = one_output():with { insert = { at = 1, layer = "normalization" } }
    assert.same({ "normalization_1", "normalization_2", "dense_1", "dense_2", "concat_1", "dense_3",
      "dense_4" }, paths(e))
    local a, b = e.train_rows.x[1], e.train_rows.x[2]
    local deviations = {}
    e:build():forward({ a, b }, { tap = function(layer, when, t)
      if layer.kind == "normalization" and when == "after" then
        deviations[#deviations + 1] = t:var(1):sub(1):abs():max():item()
      end
    end })
    assert.equal(2, #deviations)
    assert.is_true(deviations[1] < 1e-4 and deviations[2] < 1e-4)
    e = one_output():with { insert = { after = "concat_1", layer = dropout } }
    assert.same({ "dense_1", "dense_2", "concat_1", "dropout_1", "dense_3", "dense_4" }, paths(e))
    e = one_output():with { insert = { before = "dense_2", layer = double } }
    assert.same({ "dense_1", "rescale_1", "dense_2", "concat_1", "dense_3", "dense_4" }, paths(e))
    e = one_output():with { insert = { at = -1, layer = double } }
    assert.equal("rescale_1", paths(e)[6])
    assert.matches("a layer with one input", error_of(e.with, e, { remove = "concat_1" }), 1, true)
  end)

  it("insert behind every call of a shared layer, inside shared blocks too", function()
    local x, z = nn.input { 2 }, nn.input { 2 }
    local tower, last = nn.sequential { name = "tower", nn.dense { 3, name = "a" } }, nn.dense(3)
    local a, _, y = problem(30)
    local e = ld.experiment { train = { x = { a, a }, y = y }, loss = "mse",
      model = nn.graph { inputs = { x, z },
        outputs = { nn.dense(1)(last(tower(x)) - last(tower(z))) } } }
    local inside = e:with { insert = { after = "tower/a", layer = relu } }
    assert.same({ "tower/a", "tower/activation_1", "dense_1", "subtract_1", "dense_2" },
      paths(inside))
    local behind = e:with { insert = { after = "dense_1", layer = relu } }
    assert.same({ "tower/a", "dense_1", "activation_1", "subtract_1", "dense_2" }, paths(behind))
    local model = behind:build()
    assert.same({ { "dense_1" }, { "dense_1" } }, model:connections().activation_1)
    -- equal inputs: the difference is zero whatever the layers
    assert.equal(0, model:forward({ a, a }, {}):abs():max():item())
  end)

  it("change, remove and freeze layers", function()
    local e = one_output()
    local d = e:with({ layer = { path = "dense_3", options = { activation = "relu" } } })
      :description()
    assert.equal("relu", d.layers[4].activation)
    assert.same({ "dense_1", "dense_2", "concat_1", "dense_3" },
      paths(e:with { remove = "dense_3" }))
    assert.same({ "dense_1", "dense_2", "concat_1", "dense_3", "dropout_1", "dense_4" },
      paths(e:with { dropout = 0.3 }))
    assert.same(paths(e), paths(e:with { { dropout = 0.3 }, { dropout = 0 } }))
    local wide = e:with { output = { units = 2 } }
    assert.same({ 2 }, wide.model:build().output_shape)
    assert.equal(0, e:with({ trainable = false }):description().n_trainable)
    local again = e:with({ { trainable = false }, { trainable = true } }):description()
    assert.equal(again.n_parameters, again.n_trainable)
  end)

  it("start twins from the same numbers", function()
    local e = one_output()
    local mine, theirs = e:build(), e:with({ { insert = { at = 1, layer = "normalization" } },
      { dropout = 0.3 } }):build()
    for name, tensor in mine:parameters() do
      local path, own = name:match "^(.*)/([^/]+)$"
      assert.same(tensor:totable(), theirs:layer(path).weights[own]:totable())
    end
  end)

  it("reach residual blocks in lists", function()
    local x = problem(20)
    local e = ld.experiment { train = { x, x }, loss = "mse", model = nn.sequential {
      nn.dense(4), nn.residual { nn.dense(4), shortcut = nn.dense { 4, name = "skip" } },
      nn.dense(2) } }
    e = e:with { { insert = { after = "residual_1/dense_1", layer = relu } },
      { insert = { at = 2, layer = { kind = "activation", activation = "tanh" } } },
      { layer = { path = "residual_1/shortcut/skip", options = { bias = false } } } }
    assert.same({ "dense_1", "activation_1", "residual_1/dense_1", "residual_1/activation_1",
      "residual_1/shortcut/skip", "residual_1/add", "dense_2" }, paths(e))
    assert.equal(16, e:description().layers[5].n_parameters)
  end)
end)
