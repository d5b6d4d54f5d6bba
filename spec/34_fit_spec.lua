-- fit: training against closed forms, determinism, what is refused, how a fit ends.
local ld = require "lossdbg"
local nn = ld.nn
local problems = require "spec.support.problems"

local quiet = { verbose = 0 }
local linear = problems.linear
local clouds = problems.clouds
local classifier = problems.classifier

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
    assert.matches("34_fit_spec.lua:" .. line .. "$", run.signals.nonfinite.line)
  end)

  it("can be ordered by steps, by a function and by a callback", function()
    local e = classifier { epochs = 50 }
    local run = e:fit { verbose = 0, max_steps = 6 }
    assert.same({ 6, "max_steps", 2 }, { run.n_steps, run.stopped, run.n_epochs })
    run = e:fit { verbose = 0, on_step = function(ctx)
      if ctx.step == 5 then return false end
    end }
    assert.same({ 5, "callback" }, { run.n_steps, run.stopped })
    run = e:fit { verbose = 0, callbacks = { { on_epoch_end = function(_, _, logs)
      if logs.epoch == 3 then return false end
    end } } }
    assert.same({ 3, "callback" }, { run.n_epochs, run.stopped })
    assert.equal(2, #e:fit { verbose = 0, epochs = 2 })
  end)
end)
