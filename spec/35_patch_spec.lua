-- Patches: each kind changes what it names and nothing else; twins start from the same numbers.
local ld = require "lossdbg"
local nn = ld.nn

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

local function data(n)
  local x, y = {}, {}
  for i = 1, n do
    x[i], y[i] = { 100 * math.sin(i), math.cos(3 * i), 5 }, i % 2
  end
  return { ld.tensor(x), ld.tensor(y, "i32") }
end

local function experiment(options)
  local recipe = { train = data(30), val = data(10), loss = "sparse_crossentropy", seed = 4,
    model = nn.sequential { nn.dense { 6, "tanh", l2 = 0.1 }, nn.dense { 5, "tanh" },
      nn.dense { 2, "softmax" } },
    optimizer = ld.optim.sgd { lr = 0.1, momentum = 0.5 }, batch = 8, epochs = 2 }
  for key, value in pairs(options or {}) do recipe[key] = value end
  return ld.experiment(recipe)
end

local function layers(e) return e:description().layers end
local function column(e, key)
  local list = {}
  for i, layer in ipairs(layers(e)) do list[i] = layer[key] or false end
  return list
end

describe("patches of the training", function()
  it("change rate and kind of the optimiser", function()
    local e = experiment()
    local slower = e:with { optimizer = { lr = 0.01 } }:description().optimizer
    assert.same({ "sgd", 0.01, 0.5 }, { slower.name, slower.lr, slower.momentum })
    local other = e:with { optimizer = { name = "adam", lr = 1e-3 } }:description().optimizer
    assert.same({ "adam", 1e-3 }, { other.name, other.lr })
    assert.equal(0.1, e:description().optimizer.lr) -- the experiment itself stays
  end)

  it("set plain options", function()
    local e = experiment():with { batch = 4, epochs = 7, shuffle = false, seed = 11, clip_norm = 1 }
    local d = e:description()
    assert.same({ 4, 7, false, 11, 1 },
      { d.batch, d.epochs, d.shuffle, d.seed, d.optimizer.clip_norm })
    assert.is_nil(e:with({ clip_norm = false }):description().optimizer.clip_norm)
    assert.matches("expected an integer >= 1, got 0", error_of(e.with, e, { batch = 0 }), 1, true)
  end)

  it("change the loss", function()
    local d = experiment():with({ loss = { from_logits = true } }):description()
    assert.is_true(d.loss.from_logits)
    assert.equal("sparse_crossentropy", d.loss.name)
    local patch = { loss = { name = "hinge" }, output = { units = 1, activation = "tanh" } }
    d = experiment():with(patch):description()
    assert.equal("hinge", d.loss.name)
  end)

  it("drop rows that are not finite", function()
    local bad = data(30)
    bad[1]:set(0 / 0, 3, 1)
    bad[1]:set(math.huge, 8, 3)
    local e = experiment({ train = bad }):with { data = "drop_nonfinite" }
    assert.equal(28, e:description().n_train)
    assert.equal("completed", e:fit({ verbose = 0 }).stopped)
  end)

  local inf, nan = math.huge, 0 / 0

  local function rows_after(change, train, val)
    local r = ld.experiment { train = train, val = val, loss = "mse",
      model = nn.sequential { nn.dense(1) } }:with({ data = change }).recipe
    return r.train_rows, r.val_rows
  end

  it("fill gaps by the means of the training columns, and make up no targets", function()
    local train, val = rows_after("fill_gaps",
      { ld.tensor { { 1, nan }, { inf, nan }, { 5, nan }, { 6, 1 } },
        ld.tensor { { 1 }, { 2 }, { 3 }, { nan } } },
      { ld.tensor { { nan, 2 } }, ld.tensor { { 1 } } })
    assert.same({ { 1, 1 }, { 4, 1 }, { 5, 1 } }, train.x:totable())
    assert.same({ { 1 }, { 2 }, { 3 } }, train.y:totable())
    assert.same({ { 4, 2 } }, val.x:totable())
  end)

  it("give validation inputs the mean and spread of the training inputs", function()
    local y = ld.tensor { { 1 }, { 2 } }
    local train, val = rows_after("match_val", { ld.tensor { { 1, 7 }, { 3, 7 } }, y },
      { ld.tensor { { 100, 5 }, { 300, 5 } }, y })
    assert.same({ { 1, 7 }, { 3, 7 } }, train.x:totable())
    assert.same({ { 1, 7 }, { 3, 7 } }, val.x:totable())
    -- images and sequences have one scale for all their places
    val = select(2, rows_after("match_val", { ld.tensor { { { 0 }, { 2 } }, { { 2 }, { 4 } } }, y },
      { ld.tensor { { { 0 }, { 20 } }, { { 20 }, { 40 } } }, y }))
    assert.same({ { { 0 }, { 2 } }, { { 2 }, { 4 } } }, val.x:totable())
  end)

  it("shuffle all rows before they are divided, each with its target", function()
    local x, y = {}, {}
    for i = 1, 40 do x[i], y[i] = { i }, { -i } end
    local train, val = rows_after("shuffle_split", { ld.tensor(x):slice(1, 1, 30),
      ld.tensor(y):slice(1, 1, 30) }, { ld.tensor(x):slice(1, 31, 40),
      ld.tensor(y):slice(1, 31, 40) })
    local seen, early = {}, 0
    for _, part in ipairs { train, val } do
      for i, row in ipairs(part.x:totable()) do
        assert.equal(-row[1], part.y:totable()[i][1])
        seen[row[1]] = true
        early = early + (part == val and row[1] <= 30 and 1 or 0)
      end
    end
    assert.same({ 30, 10, 40 }, { train.n, val.n, #seen })
    assert.is_true(early > 3, "validation rows still are the last ones")
  end)

  it("of validation rows need some", function()
    for _, change in ipairs { "match_val", "shuffle_split" } do
      local ok, message = pcall(rows_after, change, data(30))
      assert.is_false(ok)
      assert.matches("expected validation rows for \"" .. change, message, 1, true)
    end
  end)

  it("standardise targets, and give predictions and metrics in the old units", function()
    local x, y = {}, {}
    for i = 1, 40 do x[i], y[i] = { math.sin(i) }, 300 + 50 * math.sin(i) end
    local e = ld.experiment { train = { ld.tensor(x), ld.tensor(y) }, loss = "mse", batch = 40,
      model = nn.sequential { nn.dense(1) }, optimizer = ld.optim.sgd { lr = 0.3 }, epochs = 300 }
    local run = e:with({ target = "standardize" }):fit { verbose = 0 }
    assert.near(1, run.signals.baseline, 1e-5)
    assert.is_true(run:last "loss" < 1e-8)
    assert.is_true(run:last "mae" < 0.01)
    assert.near(350, run:predict({ { 1 } }):item(), 0.01)
  end)
end)

describe("patches of the layers", function()
  it("insert, at a place or beside a layer", function()
    local e = experiment():with { insert = { at = 1, layer = "normalization" } }
    assert.same({ "normalization", "dense", "dense", "dense" }, column(e, "kind"))
    assert.equal("30 rows", layers(e)[1].adapted)
    local std = e:build():forward(e.train_rows.x:slice(1, 1, 30), {
      tap = function(layer, when, t)
        if layer.kind == "normalization" and when == "after" then
          assert.near(1, t:var(1)[1], 1e-4)
          assert.near(0, t:var(1)[3], 1e-12)
        end
      end,
    })
    assert.same({ 30, 2 }, std.shape)
    local dropout = { kind = "dropout", rate = 0.3 }
    e = experiment():with { insert = { after = "dense_1", layer = dropout } }
    assert.same({ "dense", "dropout", "dense", "dense" }, column(e, "kind"))
    e = experiment():with { insert = { before = "dense_3",
      layer = { kind = "dense", options = { units = 4, activation = "relu" } } } }
    assert.same({ 6, 5, 4, 2 }, { layers(e)[1].output_shape[1], layers(e)[2].output_shape[1],
      layers(e)[3].output_shape[1], layers(e)[4].output_shape[1] })
  end)

  it("change one, all hidden, or all", function()
    local e = experiment()
    assert.same({ "relu", "tanh", "softmax" }, column(e:with { layer = { path = "dense_1",
      options = { activation = "relu" } } }, "activation"))
    assert.same({ "relu", "relu", "softmax" }, column(e:with { layers = { kind = "dense",
      hidden = true, options = { activation = "relu" } } }, "activation"))
    assert.same({ "he_normal", "he_normal", "he_normal" },
      column(e:with { init = "he_normal" }, "init"))
  end)

  it("clear an option that has no default with false", function()
    assert.same({ false, "tanh", "softmax" }, column(experiment():with { layer = { path = "dense_1",
      options = { activation = false } } }, "activation"))
  end)

  it("change the output, also behind an activation layer", function()
    local e = experiment():with { output = { activation = "sigmoid", units = 4 } }
    assert.same({ "sigmoid", 4 }, { layers(e)[3].activation, layers(e)[3].output_shape[1] })
    local apart = experiment({ model = nn.sequential { nn.dense(2), nn.activation "relu" } })
      :with { output = { activation = "softmax" } }
    assert.same({ "dense" }, column(apart, "kind"))
    assert.equal("softmax", layers(apart)[1].activation)
    local linear = experiment():with { output = { activation = "linear" } }
    assert.is_nil(layers(linear)[3].activation)
  end)

  it("take regularisers off and put them on", function()
    local e = experiment()
    assert.is_not_nil(e:build():penalty())
    assert.is_nil(e:with({ regularizer = "none" }):build():penalty())
    local model = e:with({ regularizer = { l2 = 0.5 } }):build()
    local sum = 0
    for name, p in model:parameters() do
      if name:find "kernel" then sum = sum + 0.5 * p:square():sum():item() end
    end
    assert.near(sum, model:penalty():item(), 1e-4)
  end)

  it("set dropout, remove layers, unfreeze", function()
    local e = experiment():with { dropout = 0.2 }
    assert.same({ "dense", "dense", "dropout", "dense" }, column(e, "kind"))
    assert.equal(0.5, layers(e:with { dropout = 0.5 })[3].options.rate)
    assert.same({ "dense", "dense", "dense" }, column(e:with { dropout = 0 }, "kind"))
    assert.same({ "dense", "dense" }, column(experiment():with { remove = { path = "dense_2" } },
      "kind"))
    local frozen = experiment { model = nn.sequential { nn.dense { 6, trainable = false },
      nn.sequential { trainable = false, nn.dense(2) } } }
    assert.equal(0, frozen:description().n_trainable)
    local d = frozen:with({ trainable = true }):description()
    assert.equal(d.n_parameters, d.n_trainable)
  end)

  it("leave the other layers' initial weights as they are", function()
    local e = experiment()
    local twin = e:with { { insert = { at = 1, layer = "normalization" } }, { dropout = 0.3 },
      { layers = { kind = "dense", hidden = true, options = { activation = "relu" } } } }
    local mine, theirs = e:build(), twin:build()
    for name, tensor in mine:parameters() do
      local path = name:match "^(.*)/"
      assert.same(tensor:totable(), theirs:layer(path).weights[name:match "([^/]+)$"]:totable())
    end
  end)

  it("share batches and dropout masks with the unpatched twin", function()
    local e = experiment():with { dropout = 0.4 }
    local function losses(patch)
      return e:with(patch):fit({ verbose = 0 }).steps.loss
    end
    -- a rate of 0 leaves the weights alone, so that losses differ by rows and masks only
    local base = losses { optimizer = { lr = 0 } }
    local inserted = losses { { optimizer = { lr = 0 } },
      { insert = { at = 1, layer = { kind = "rescale", scale = 1 } } } }
    assert.same(base, inserted)
    assert.are_not.same(base, losses { { optimizer = { lr = 0 } }, { seed = 5 } })
  end)
end)

describe("patches as such", function()
  it("come in lists, as fixes and as findings", function()
    local e = experiment()
    local list = { { optimizer = { lr = 0.02 } }, { batch = 4 }, { optimizer = { lr = 0.03 } } }
    assert.equal(0.03, e:with(list):description().optimizer.lr)
    local fix = { text = "lower the rate", patch = { optimizer = { lr = 0.02 } } }
    assert.equal(0.02, e:with(fix):description().optimizer.lr)
    local finding = { rule = "lr_above_stability", cause = "lr_too_high", fixes = { fix } }
    assert.equal(0.02, e:with(finding):description().optimizer.lr)
    assert.matches("a finding with a fix that can be applied",
      error_of(e.with, e, { rule = "x", fixes = {} }), 1, true)
    assert.matches("a fix that is advice only: think", error_of(e.with, e, { text = "think" }), 1,
      true)
  end)

  it("are checked", function()
    local e = experiment()
    assert.matches("unknown patch \"optimiser\"; did you mean 'optimizer'",
      error_of(e.with, e, { optimiser = { lr = 1 } }), 1, true)
    assert.matches("it is empty", error_of(e.with, e, {}), 1, true)
    assert.matches("unknown layer \"dense_9\"; did you mean 'dense_",
      error_of(e.with, e, { layer = { path = "dense_9", options = {} } }), 1, true)
    assert.matches("unknown option 'unit'; did you mean 'units'",
      error_of(e.with, e, { layer = { path = "dense_1", options = { unit = 3 } } }), 1, true)
    assert.matches("at from 1 to 4",
      error_of(e.with, e, { insert = { at = 9, layer = "flatten" } }), 1, true)
    assert.matches("a kind that is in the model",
      error_of(e.with, e, { layers = { kind = "dropout", options = { rate = 0.1 } } }), 1, true)
  end)
end)
