-- Experiments: training against closed forms, determinism, what a run holds, what is refused.
local ld = require "lossdbg"
local nn = ld.nn

local quiet = { verbose = 0 }

local function error_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

-- 24 rows made from sines; the constants below are numpy.linalg.lstsq on the same numbers.
local function linear_problem()
  local x, y = {}, {}
  for i = 1, 24 do
    x[i] = { math.sin(1.3 * i), math.cos(0.7 * i), math.sin(0.37 * i * i) }
    y[i] = { 2 * x[i][1] - x[i][2] + 0.5 * x[i][3] + 3 + 0.3 * math.cos(5 * i) }
  end
  return { ld.tensor(x, "f64"), ld.tensor(y, "f64") }
end

local function linear(options)
  local recipe = { train = linear_problem(), model = nn.sequential { nn.dense(1) }, loss = "mse",
    optimizer = ld.optim.sgd { lr = 0.5 }, batch = 24, epochs = 400, dtype = "f64" }
  for key, value in pairs(options or {}) do recipe[key] = value end
  return ld.experiment(recipe)
end

-- Two clouds that a small network separates.
local function clouds(n)
  local x, y = {}, {}
  for i = 1, n do
    local id = i % 3
    x[i] = { 0.4 * math.sin(12.9 * i) + 2 * id, 0.4 * math.cos(4.1 * i) - id }
    y[i] = id
  end
  return { ld.tensor(x), ld.tensor(y, "i32") }
end

local function classifier(options)
  local recipe = { train = clouds(60), val = clouds(20), loss = "sparse_crossentropy",
    model = nn.sequential { nn.dense { 8, "relu" }, nn.dropout(0.1), nn.dense { 3, "softmax" } },
    optimizer = ld.optim.sgd { lr = 0.1 }, batch = 16, epochs = 5, seed = 3 }
  for key, value in pairs(options or {}) do recipe[key] = value end
  return ld.experiment(recipe)
end

describe("fit", function()
  it("reaches the least-squares optimum", function()
    local run = linear():fit(quiet)
    local w, b = run.model[1].weights.kernel, run.model[1].weights.bias
    for i, value in ipairs { 2.0662071953332415, -1.0088447988519798, 0.4727566470231581 } do
      assert.near(value, w:get(i, 1), 1e-9)
    end
    assert.near(2.995219200148013, b[1], 1e-9)
    assert.near(0.04213580345740168, run:last "loss", 1e-12)
    assert.equal(400, #run)
    assert.equal(400, run.n_steps)
    assert.equal("completed", run.stopped)
  end)

  it("reaches the ridge optimum and reports the penalty apart", function()
    local run = linear { model = nn.sequential { nn.dense { 1, l2 = 0.1 } } }:fit(quiet)
    for i, value in ipairs { 1.699090102774585, -0.8012328488788129, 0.49467092223961334 } do
      assert.near(value, run.model[1].weights.kernel:get(i, 1), 1e-9)
    end
    local data, penalty = 0.12006282125065575, 0.3773580576778398
    assert.near(data, run:last "data_loss", 1e-12)
    assert.near(data + penalty, run:last "loss", 1e-12)
    assert.near(penalty / (data + penalty), run.signals.penalty.share, 1e-9)
    -- at the optimum the two gradients of the kernel cancel; the bias has none of either
    assert.near(1, run.signals.penalty.ratio, 1e-6)
  end)

  it("takes the steps one takes by hand, last short batch included", function()
    local model = nn.sequential { nn.dense(1) }:build({ 2 }, { dtype = "f64" })
    model[1].weights.kernel:copy_(ld.tensor({ { 0.5 }, { -0.25 } }, "f64"))
    model[1].weights.bias:copy_(ld.tensor({ 0.1 }, "f64"))
    local run = ld.experiment {
      train = { { { 1, 2 }, { 3, -1 }, { 0, 1 }, { 2, 2 } }, { 1, 0, 2, 1 } }, model = model,
      loss = "mse", optimizer = ld.optim.sgd { lr = 0.1 }, batch = 3, epochs = 2, shuffle = false,
      dtype = "f64", task = "regression",
    }:fit(quiet)
    -- computed step by step in NumPy; the epoch's loss is the mean over rows, as in Keras
    assert.near(2.2206944444444447, run.history.loss[1], 1e-12)
    assert.near(0.7979598271604936, run.history.loss[2], 1e-12)
    assert.near(0.009866666666666649, run.model[1].weights.kernel:get(1, 1), 1e-12)
    assert.near(0.2783111111111112, run.model[1].weights.kernel:get(2, 1), 1e-12)
    assert.near(0.2256, run.model[1].weights.bias[1], 1e-12)
    assert.same({ 4, 2 }, { run.n_steps, run.n_epochs })
    assert.equal(0.5, model[1].weights.kernel:get(1, 1)) -- the model that was given is untouched
  end)

  it("learns to tell classes apart", function()
    local run = classifier { epochs = 60 }:fit(quiet)
    assert.is_true(run:last "accuracy" > 0.9)
    assert.is_true(run:last "val_accuracy" > 0.9)
    assert.equal("better", run.signals.skill.verdict)
    assert.is_true(run.signals.skill.value > 0.7)
  end)

  it("gives the same bits for the same seed, others for another", function()
    local function numbers(seed)
      local run = classifier { seed = seed }:fit(quiet)
      return { run.history, run.steps.loss, run.steps.grad_norm,
        run.model:layer("dense_1").weights.kernel:totable(), run.signals.layers }
    end
    assert.same(numbers(3), numbers(3))
    assert.are_not.same(numbers(3)[1], numbers(4)[1])
  end)

  it("fuses softmax and loss without changing the description", function()
    local fused, plain = classifier():fit(quiet), classifier { fuse = false }:fit(quiet)
    for i, loss in ipairs(fused.history.loss) do
      assert.near(loss, plain.history.loss[i], 1e-5)
      assert.near(fused.history.val_loss[i], plain.history.val_loss[i], 1e-5)
      assert.equal(fused.history.accuracy[i], plain.history.accuracy[i])
    end
    assert.is_false(fused.description.loss.from_logits)
    assert.equal("softmax", fused.description.layers[3].activation)
  end)

  it("stays finite where probabilities would round to 0", function()
    local e = classifier {
      model = nn.sequential { nn.rescale(1e4), nn.dense { 3, "softmax" } }, epochs = 1,
      optimizer = ld.optim.sgd { lr = 0 },
    }
    local run = e:fit(quiet)
    assert.is_true(run:last "loss" > 16.2) -- the clipped form ends at -ln 1e-7 = 16.118
    assert.is_true(run:last "loss" < math.huge)
  end)

  it("validates in evaluation mode, on the whole set", function()
    local run = classifier { epochs = 1 }:fit(quiet)
    local result = run.model:evaluate(clouds(20), { loss = "sparse_crossentropy",
      metrics = { "accuracy" }, batch = 7 })
    assert.near(result.loss, run:last "val_loss", 1e-5)
    assert.near(result.accuracy, run:last "val_accuracy", 1e-6)
  end)

  it("picks metrics by task", function()
    assert.is_not_nil(linear { epochs = 1 }:fit(quiet).history.r2)
    assert.is_not_nil(linear { epochs = 1 }:fit(quiet).history.mae)
    assert.is_not_nil(classifier { epochs = 1 }:fit(quiet).history.accuracy)
    local run = classifier { epochs = 1, metrics = { "mse" } }:fit(quiet)
    assert.is_nil(run.history.accuracy)
  end)

  it("descends the gradient of loss and penalties, by central differences", function()
    local l = nn.dense { 3, "tanh", l1 = 0.03, l2 = 0.1, activity_regularizer = { l2 = 0.05 } }
    local function recipe(weights)
      local model = nn.sequential { nn.rescale { 0.5, 0.1 }, l, nn.dense { 1, "sigmoid" } }
        :build({ 2 }, { dtype = "f64", seed = 3 })
      if weights then model:load_state(weights) end
      return ld.experiment { train = { { { 1, -2 }, { 0.5, 3 }, { -1, 1 } }, { 1, 0, 1 } },
        model = model, loss = { "binary_crossentropy", label_smoothing = 0.1 }, batch = 3,
        optimizer = ld.optim.sgd { lr = 1 }, dtype = "f64" }
    end
    local base = recipe()
    local start = base:build():state()
    local after = base:fit(quiet).model:state()
    local function loss_at(k, i, h)
      local moved = base:build():state()
      local flat = moved[k].tensor:reshape { moved[k].tensor.numel }
      flat[i] = flat[i] + h
      return recipe(moved):fit({ verbose = 0 }).history.loss[1]
    end
    for k, entry in ipairs(start) do -- one step at rate 1: the change is minus the gradient
      local was = entry.tensor:reshape({ entry.tensor.numel }):totable()
      local is = after[k].tensor:reshape({ entry.tensor.numel }):totable()
      for i = 1, #was do
        local slope = (loss_at(k, i, 1e-5) - loss_at(k, i, -1e-5)) / 2e-5
        assert.near(slope, was[i] - is[i], 1e-8)
      end
    end
  end)

  it("weighs classes", function()
    -- weight 0 for all but class 1: only rows of class 1 move the weights
    local only = classifier { class_weight = { [0] = 0, [1] = 3, [2] = 0 }, epochs = 40,
      optimizer = ld.optim.sgd { lr = 0.5 } }:fit(quiet)
    local named = only.model:predict(clouds(60)[1]):argmax(-1)
    assert.equal(60, named:eq(2):sum():item())
  end)

  it("starts from a built model: its weights, its statistics, its frozen layers", function()
    local x = clouds(60)[1]
    local model = nn.sequential { nn.normalization(), nn.dense { 8, "relu" }, nn.dense(3) }
      :build({ 2 }, { seed = 77 })
    model[1]:adapt(x)
    model:freeze "dense_1"
    local e = classifier { model = model, loss = { "sparse_crossentropy", from_logits = true } }
    local start = e:build()
    assert.same(model(x):totable(), start(x):totable())
    assert.is_false(start:layer("dense_1").trainable)
    local run = e:fit(quiet)
    assert.same(model:layer("dense_1").weights.kernel:totable(),
      run.model:layer("dense_1").weights.kernel:totable())
    assert.are_not.same(model:layer("dense_2").weights.kernel:totable(),
      run.model:layer("dense_2").weights.kernel:totable())
    local free = e:with { { trainable = true },
      { layer = { path = "dense_1", options = { activation = "tanh" } } } }
    assert.equal(free:description().n_parameters, free:description().n_trainable)
    assert.equal("tanh", free:description().layers[2].activation)
    assert.same(model:layer("dense_1").weights.kernel:totable(),
      free:build():layer("dense_1").weights.kernel:totable())
  end)

  it("trains autoencoders, several outputs and deeper inputs", function()
    local x = ld.tensor { { { 1, 0 }, { 0, 1 } }, { { 0, 1 }, { 1, 0 } }, { { 1, 1 }, { 0, 0 } } }
    local run = ld.experiment { train = { x, x }, loss = "mse", epochs = 3, optimizer = "sgd",
      model = nn.sequential { nn.flatten(), nn.dense { 3, "tanh" }, nn.dense(4),
        nn.reshape { 2, 2 } },
    }:fit(quiet)
    assert.equal("regression", run.description.task.kind)
    assert.is_true(run.history.loss[3] < run.history.loss[1])
  end)

  it("leaves what it was given alone", function()
    local data = clouds(60)
    local before = { data[1]:totable(), data[2]:totable() }
    local e = classifier { train = data }
    e:fit(quiet)
    assert.same(before, { data[1]:totable(), data[2]:totable() })
    assert.same(e:fit(quiet).history, e:fit(quiet).history)
  end)
end)

describe("the end of a fit", function()
  it("comes at the first loss that is not finite, with the weights of before", function()
    local run = linear { optimizer = ld.optim.sgd { lr = 1e200 }, epochs = 50 }:fit(quiet)
    assert.equal("nonfinite_loss", run.stopped)
    assert.is_true(run.n_steps < 10)
    assert.equal(run.n_steps, run.signals.nonfinite.step)
    assert.equal(run.n_epochs, #run.history.loss)
    assert.is_true(run:last "loss" ~= run:last "loss" or run:last "loss" == math.huge)
  end)

  it("names the rows of bad inputs", function()
    local data = clouds(60)
    data[1]:set(0 / 0, 17, 2)
    local run = classifier { train = data }:fit(quiet)
    assert.equal("nonfinite_loss", run.stopped)
    assert.equal("input", run.signals.nonfinite.what)
    assert.same({ 17 }, run.signals.nonfinite.rows)
  end)

  it("names the op and the line that made the value", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local log = nn.lambda(function(x) return x:log() end)
    local e = linear { model = nn.sequential { log, nn.dense(1) } }
    local run = e:fit(quiet)
    assert.equal("log", run.signals.nonfinite.op)
    assert.equal("lambda_1", run.signals.nonfinite.layer)
    assert.matches("34_experiment_spec.lua:" .. line .. "$", run.signals.nonfinite.line)
  end)

  it("can be ordered by steps, by a function and by a callback", function()
    local e = classifier { epochs = 50 }
    local run = e:fit { verbose = 0, max_steps = 6 }
    assert.same({ 6, "max_steps", 2 }, { run.n_steps, run.stopped, run.n_epochs })
    run = e:fit { verbose = 0, on_step = function(ctx) return ctx.step < 5 end }
    assert.same({ 5, "callback" }, { run.n_steps, run.stopped })
    run = e:fit { verbose = 0, callbacks = { { on_epoch_end = function(_, _, logs)
      return logs.epoch < 3
    end } } }
    assert.same({ 3, "callback" }, { run.n_epochs, run.stopped })
    assert.equal(2, #e:fit { verbose = 0, epochs = 2 })
  end)
end)

describe("faulty loops", function()
  it("that never clear gradients sum them up", function()
    local loop = linear { loop = { zero_grad = false }, epochs = 2, shuffle = false }:fit(quiet)
    local sound = linear { epochs = 2, shuffle = false }:fit(quiet)
    assert.near(sound.steps.grad_norm[1], loop.steps.grad_norm[1], 1e-12)
    assert.is_true(math.abs(loop.steps.grad_norm[2] - sound.steps.grad_norm[2]) > 0.1)
  end)

  it("that climb", function()
    local run = linear { loop = { gradient_sign = -1 }, epochs = 5 }:fit(quiet)
    assert.is_true(run:last "loss" > run.history.loss[1])
  end)

  it("that hold some of the parameters", function()
    local e = classifier { loop = { parameters = { "dense_2" } } }
    local run, start = e:fit(quiet), e:build()
    assert.same(start:layer("dense_1").weights.kernel:totable(),
      run.model:layer("dense_1").weights.kernel:totable())
    assert.are_not.same(start:layer("dense_2").weights.kernel:totable(),
      run.model:layer("dense_2").weights.kernel:totable())
    assert.matches("did you mean 'dense_2'",
      error_of(function() classifier({ loop = { parameters = { "dens_2" } } }):fit(quiet) end), 1,
      true)
  end)

  it("that shuffle the inputs alone learn nothing", function()
    local run = classifier { loop = { shuffle = "x_only" }, epochs = 30 }:fit(quiet)
    assert.is_true(run:last "loss" > 0.9)
  end)
end)

describe("an experiment", function()
  it("describes itself in plain data", function()
    local d = classifier { seed = 9 }:description()
    assert.same({ kind = "multiclass", classes = 3 }, d.task)
    assert.same({ 60, 20, 4, 16, 5, 9 },
      { d.n_train, d.n_val, d.steps_per_epoch, d.batch, d.epochs, d.seed })
    assert.equal(2 * 8 + 8 + 8 * 3 + 3, d.n_parameters)
    local first = d.layers[1]
    assert.same({ "dense_1", "dense", "relu", 2, "glorot_uniform" },
      { first.path, first.kind, first.activation, first.fan_in, first.init })
    assert.same({ { 2 }, { 8 } }, { first.input_shape, first.output_shape })
    assert.same({ "sparse_crossentropy", false, 0, "mean" },
      { d.loss.name, d.loss.from_logits, d.loss.label_smoothing, d.loss.reduction })
    assert.same({ "sgd", 0.1 }, { d.optimizer.name, d.optimizer.lr })
  end)

  it("infers its task", function()
    local x = ld.zeros { 4, 2 }
    local function kind(y, loss, outputs, activation)
      return ld.experiment { train = { x, y }, loss = loss, optimizer = "sgd",
        model = nn.sequential { nn.dense { outputs, activation } } }:description().task.kind
    end
    assert.equal("binary", kind({ 0, 1, 1, 0 }, "binary_crossentropy", 1, "sigmoid"))
    assert.equal("binary", kind({ 0, 1, 1, 0 }, "mse", 1, "sigmoid"))
    assert.equal("regression", kind({ 0, 1, 1, 0 }, "mse", 1))
    assert.equal("regression", kind({ 0.5, 1, 1, 0 }, "mae", 1, "sigmoid"))
    local rows = { { 1, 0 }, { 0, 1 }, { 0, 1 }, { 1, 0 } }
    assert.equal("multiclass", kind(rows, "mse", 2, "softmax"))
    assert.equal("multiclass", kind(rows, "categorical_crossentropy", 2, "softmax"))
    local labels = { { 1, 1 }, { 0, 1 }, { 0, 0 }, { 1, 0 } }
    assert.equal("multilabel", kind(labels, "binary_crossentropy", 2, "sigmoid"))
    assert.equal("multiclass", kind({ 0, 1, 1, 0 }, "crossentropy", 2, "softmax"))
  end)

  it("knows the loss of the best constant answer", function()
    local e = classifier()
    assert.near(math.log(3), e:prepared().baseline.loss, 1e-6)
    local y = linear_problem()[2]
    assert.near(y:var():item(), linear():prepared().baseline.loss, 1e-9)
    local mae = linear { loss = "mae" }:prepared().baseline
    assert.matches("median", mae.name)
    local binary = ld.experiment { train = { ld.zeros { 4, 1 }, { 0, 1, 1, 1 } }, optimizer = "sgd",
      loss = "binary_crossentropy", model = nn.sequential { nn.dense { 1, "sigmoid" } } }
    -- -(1/4 ln 1/4 + 3/4 ln 3/4)
    assert.near(0.5623351446188083, binary:prepared().baseline.loss, 1e-6)
  end)

  it("does not change", function()
    local e = classifier()
    assert.matches("use experiment:with { batch = ... }",
      error_of(function() e.batch = 3 end), 1, true)
    assert.equal(16, e.batch)
  end)

  it("varies one option and shows a table", function()
    local grid = classifier({ epochs = 2 }):vary("lr", { 0.1, 0.01 }):fit()
    assert.same({ 0.1, 0.01 },
      { grid[1]:description().optimizer.lr, grid[2]:description().optimizer.lr })
    local text = tostring(grid)
    assert.matches("lr +accuracy", text)
    assert.matches("0.01", text, 1, true)
    assert.equal(1, select(2, grid:best()))
    local units = classifier():vary("units", { 4, 16 })
    assert.equal(16, units[2]:description().layers[1].options.units)
    assert.equal(3, units[2]:description().layers[3].options.units)
  end)

  it("says what is missing or misspelt", function()
    assert.matches("unknown option 'optimiser'; did you mean 'optimizer'",
      error_of(classifier, { optimiser = "sgd" }), 1, true)
    assert.matches("use assert", error_of(ld.experiment, {}), 1, true)
    assert.matches("there is nothing to learn",
      error_of(classifier, { train = { ld.ones { 2, 2 } } }), 1, true)
    assert.matches("60 rows of x and 59 of y", error_of(classifier,
      { train = { clouds(60)[1], clouds(59)[2] } }), 1, true)
    local misspelt = { on_epoch_end = print, on_epoch_ends = print }
    assert.matches("unknown hook 'on_epoch_ends'; did you mean 'on_epoch_end'",
      error_of(classifier, { callbacks = { misspelt } }), 1, true)
  end)

  it("explains validation rows of another shape and labels that are missing", function()
    assert.matches("argument 'val': expected rows of shape [2] as in train, got [3]",
      error_of(classifier, { val = { ld.ones { 4, 3 }, ld.zeros(4, "i32") } }), 1, true)
    local data = clouds(60)
    local y = data[2]:cast "f32"
    y[5] = 0 / 0
    assert.matches("not finite in row 5 (a missing label?)",
      error_of(function() classifier({ train = { data[1], y } }):fit(quiet) end), 1, true)
    assert.matches("ids start at 0: { [0] = 1, [1] = 5 }", error_of(function()
      classifier({ class_weight = { 1, 1, 5 } }):fit(quiet)
    end), 1, true)
  end)

  it("explains labels that do not fit the outputs", function()
    local data = clouds(60)
    local function fit(y) return classifier({ train = { data[1], y } }):fit(quiet) end
    assert.matches("counted from 1: subtract 1", error_of(fit, data[2] + 1), 1, true)
    local far = data[2]:clone()
    far[7] = 9
    local message = error_of(fit, far)
    assert.matches("labels must be 0..2 for a model with 3 outputs, found 9 in row 7", message, 1,
      true)
    assert.matches("the model needs 10 outputs", message, 1, true)
  end)
end)

describe("a run", function()
  local run = classifier():fit(quiet)

  it("is a card and curves", function()
    assert.matches("lossdbg run", tostring(run), 1, true)
    assert.is_true(#run:plot { "loss", "val_loss" } > 100)
  end)

  it("knows last and best values", function()
    assert.equal(run.history.loss[5], run:last "loss")
    assert.equal(5, #run)
    local best = math.huge
    for _, value in ipairs(run.history.val_loss) do best = math.min(best, value) end
    assert.equal(best, (run:best "val_loss"))
    assert.matches("did you mean 'val_loss'", error_of(run.last, run, "val_los"), 1, true)
  end)

  it("predicts", function()
    local p = run:predict { { 0, 0 }, { 4, -2 } }
    assert.same({ 2, 3 }, p.shape)
    assert.near(1, p:sum(-1)[1], 1e-6)
  end)

  it("saves its curves", function()
    local svg, csv = os.tmpname(), os.tmpname()
    assert.is_true(run:save_svg(svg))
    assert.is_true(run:save_csv(csv))
    local file <close> = assert(io.open(svg))
    assert.matches("<svg", file:read "a", 1, true)
    local lines = {}
    for line in io.lines(csv) do lines[#lines + 1] = line end
    assert.equal("epoch,accuracy,loss,lr,val_accuracy,val_loss", lines[1])
    assert.matches("^0,", lines[2])
    assert.equal(6, #lines)
    os.remove(svg)
    os.remove(csv)
    local ok, message = run:save_csv "/nonexistent/folder/x.csv"
    assert.is_nil(ok)
    assert.matches("/nonexistent/folder", message, 1, true)
  end)
end)
