-- Telemetry: what fit and watches measure, against closed forms on networks made by hand.
local ld = require "lossdbg"
local nn = ld.nn
local baseline = require "lossdbg.train.baseline"
local recorder = require "lossdbg.train.recorder"
local telemetry = require "lossdbg.train.telemetry"

local quiet = { verbose = 0 }

local function evaluation(model, loss, rows)
  local judge = require("lossdbg.train.evaluate").judge(model, ld.loss.get(loss), {}, true)
  return telemetry.measure(model, rows, judge, true)
end

describe("activations", function()
  -- two rows, three units: unit 1 alive on one row, unit 2 dead, unit 3 always alive
  local model = nn.sequential { nn.dense { 3, "relu" }, nn.dense(1) }:build { 2 }
  model[1].weights.kernel:copy_(ld.tensor { { 1, -1, 1 }, { 0, -1, 1 } })
  model[1].weights.bias:copy_(ld.tensor { 0, 0, 1 })
  model[2].weights.kernel:copy_(ld.tensor { { 1 }, { 1 }, { 1 } })
  local rows = { x = ld.tensor { { 2, 1 }, { -1, 1 } }, y = ld.tensor { { 1 }, { 0 } } }
  -- z = {{2, -3, 4}, {-1, 0, 1}}, relu = {{2, 0, 4}, {0, 0, 1}}, outputs 6 and 1
  local signals = evaluation(model, "mse", rows)

  it("are counted", function()
    local layer = signals.layers.dense_1
    assert.near((4 + 9 + 16 + 1 + 0 + 1) / 6, layer.z_mean_sq, 1e-6)
    assert.near(7 / 6, layer.act_mean, 1e-6)
    assert.same({ 0, 4 }, { layer.act_min, layer.act_max })
    assert.near(0.5, layer.zero_share, 1e-12)
    assert.near(1 / 3, layer.dead_share, 1e-12)
    assert.equal(0, layer.nonfinite)
    assert.is_false(layer.symmetric)
    assert.near(math.sqrt(5 / 6), layer.weight_rms, 1e-6)
  end)

  it("come with the loss, the outputs and the gradient", function()
    assert.near((25 + 1) / 2, signals.loss, 1e-5)
    assert.same({ 1, 6, true }, { signals.output.min, signals.output.max, signals.output.finite })
    assert.near(2.5, signals.output.std_over_samples, 1e-6)
    -- d loss / d output = (5, 1); gradient of dense_2: kernel (10, 0, 21), bias 6
    assert.near(math.sqrt((100 + 441 + 36) / 4), signals.layers.dense_2.grad_rms, 1e-4)
    for _, p in model:parameters() do assert.is_nil(p.grad) end
  end)

  it("that are saturated, symmetric or not finite are seen", function()
    local flat = nn.sequential { nn.dense { 4, "sigmoid", init = "ones" },
      nn.dense { 2, "softmax" } }:build { 1 }
    local wide = { x = ld.tensor { { 100 }, { -100 }, { 0 }, { 0.1 } },
      y = ld.tensor({ 0, 1, 0, 1 }, "i32") }
    local s = evaluation(flat, "sparse_crossentropy", wide)
    assert.near(0.5, s.layers.dense_1.saturated_share, 1e-12)
    assert.is_true(s.layers.dense_1.symmetric)
    assert.near(1, s.output.row_sum_min, 1e-6)
    assert.near(1, s.output.row_sum_max, 1e-6)
    flat[1].weights.bias:copy_(ld.tensor { 0, 0 / 0, 0, 0 })
    assert.equal(4, evaluation(flat, "sparse_crossentropy", wide).layers.dense_1.nonfinite)
  end)
end)

describe("the baseline", function()
  local function loss_of(name, y, outputs, options)
    local loss = ld.loss[name](options)
    local target = loss.target == "index" and ld.tensor(y, "i32") or ld.tensor(y, "f64")
    local b = baseline.of(loss, target, outputs)
    local per_sample = baseline.per_sample(b, loss, target)
    assert.near(b.loss, per_sample:mean():item(), 1e-9)
    return b.loss
  end

  local logits = { from_logits = true }

  it("is the closed form", function()
    local entropy = -(0.5 * math.log(0.5) + 0.25 * math.log(0.25) * 2)
    assert.near(entropy, loss_of("sparse_crossentropy", { 0, 0, 1, 2 }, 3), 1e-6)
    assert.near(entropy, loss_of("sparse_crossentropy", { 0, 0, 1, 2 }, 3, logits), 1e-6)
    assert.near(entropy, loss_of("categorical_crossentropy",
      { { 1, 0, 0 }, { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } }, 3), 1e-6)
    local binary = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert.near(binary, loss_of("binary_crossentropy", { 1, 1, 1, 0 }, 1), 1e-6)
    assert.near(binary, loss_of("binary_crossentropy", { 1, 1, 1, 0 }, 1, logits), 1e-6)
    assert.near(1.25, loss_of("mse", { 1, 2, 3, 4 }, 1), 1e-12)
    assert.near(1, loss_of("mae", { 1, 2, 3, 4 }, 1), 1e-12)
    local wide = { { 1, 2 }, { 2, 4 }, { 3, 6 }, { 4, 8 } }
    assert.near((1.25 + 5) / 2, loss_of("mse", wide, 2), 1e-12)
    assert.near(2 - 2 * math.log(2), loss_of("poisson", { 1, 3 }, 1), 1e-6)
    assert.near(0.5, loss_of("hinge", { 1, 1, 1, 0 }, 1), 1e-12) -- says 1: 0, 0, 0, 2
  end)

  it("gives no class a probability of zero", function()
    local loss = ld.loss.sparse_crossentropy()
    local b = baseline.of(loss, ld.tensor({ 0, 0, 1 }, "i32"), 3)
    local values = baseline.per_sample(b, loss, ld.tensor({ 2 }, "i32"))
    assert.near(-math.log(1e-7), values:item(), 1e-3)
  end)
end)

describe("the recorder", function()
  local function stats(grad, update, weight)
    return { grad_sq = grad ^ 2, update_sq = update ^ 2, weight_sq = weight ^ 2, nonfinite_grad = 0,
      nonfinite_weight = 0, unchanged = update == 0 and 4 or 0 }
  end

  it("sums kernels and biases into layers", function()
    local record = recorder.new { { name = "a/k", path = "a", tensor = ld.zeros(4) },
      { name = "a/b", path = "a", tensor = ld.zeros(4) } }
    record:add(1, { ["a/k"] = stats(3, 0.3, 30), ["a/b"] = stats(4, 0.4, 40) }, 0.1)
    record:add(2, { ["a/k"] = stats(0, 0, 30), ["a/b"] = stats(0, 0, 40) }, 0.1)
    local layer = record:signals().a
    assert.near(5, layer.grad_norm[1], 1e-12)
    assert.near(0.5 / 50, layer.ratio[1], 1e-12)
    assert.same({ 0.5, 0.5 }, { layer.zero_grad, layer.unchanged })
    assert.near(0.005, layer.ratio_median, 1e-12)
    assert.same({ 1, 2 }, record.loss)
    assert.near(5, record.grad_norm[1], 1e-12)
  end)

  it("thins long series evenly and keeps all losses", function()
    local record = recorder.new { { name = "a/k", path = "a", tensor = ld.zeros(4) } }
    for step = 1, 10000 do record:add(step, { ["a/k"] = stats(step, 1, 1) }, 0.1) end
    local layer = record:signals().a
    assert.equal(10000, #record.loss)
    assert.is_true(#layer.grad_norm <= 2048 and #layer.grad_norm >= 1000)
    for i, norm in ipairs(layer.grad_norm) do
      assert.near((i - 1) * layer.stride + 1, norm, 1e-9)
    end
  end)
end)

describe("signals of a fit", function()
  local function raw(options)
    local x, y = {}, {}
    for i = 1, 90 do
      x[i], y[i] = { 1000 * math.sin(i) + 2000, math.cos(3 * i) }, i % 3
    end
    local recipe = { train = { ld.tensor(x), ld.tensor(y, "i32") }, loss = "sparse_crossentropy",
      model = nn.sequential { nn.dense { 16, "relu" }, nn.dense { 3, "softmax" } }, batch = 15,
      optimizer = ld.optim.sgd { lr = 0.1 }, epochs = 8, seed = 1 }
    for key, value in pairs(options or {}) do recipe[key] = value end
    return ld.experiment(recipe):fit(quiet)
  end

  it("show units that died and a loss at the entropy", function()
    local s = raw().signals
    assert.near(math.log(3), s.baseline, 1e-6)
    assert.equal("entropy of the class frequencies", s.baseline_name)
    assert.equal(1, s.final.layers.dense_1.dead_share)
    assert.is_true(s.init.layers.dense_1.dead_share < 1)
    assert.is_true(s.layers.dense_1.zero_grad > 0.5)
    assert.equal(0, s.final.output.std_over_samples)
    assert.equal(1, s.final.output.single_class_share)
    assert.is_true(math.abs(s.skill.value) < 0.1)
    assert.is_true(s.skill.verdict ~= "better")
    assert.same({ 48, 48 }, { #s.loss, #s.grad_norm })
    assert.equal(8, #s.epoch_loss)
  end)

  it("show frozen layers and a rate of 0", function()
    local frozen = raw { model = nn.sequential { nn.dense { 16, "tanh", trainable = false },
      nn.dense { 3, "softmax" } } }
    assert.is_nil(frozen.signals.layers.dense_1)
    assert.is_not_nil(frozen.signals.layers.dense_2)
    local still = raw { optimizer = ld.optim.sgd { lr = 0 } }
    assert.equal(1, still.signals.layers.dense_2.unchanged)
    assert.equal(0, still.signals.layers.dense_2.ratio_median)
    assert.near(still.signals.init.loss, still.signals.final.loss, 1e-12)
  end)

  it("show the gradient before it is clipped", function()
    local free, clipped = raw { max_steps = 1 }, raw { max_steps = 1, global_clip_norm = 0.01 }
    assert.near(free.steps.grad_norm[1], clipped.steps.grad_norm[1], 1e-3 * free.steps.grad_norm[1])
    assert.is_true(clipped.steps.update_ratio[1] < 0.01 * free.steps.update_ratio[1])
  end)

  it("use probe rows from the whole set", function()
    local n = 3000
    local ids = ld.arange(n, nil, nil, "i32")
    local rows = telemetry.probe_rows { x = ids:cast("f32"):reshape { n, 1 }, y = ids, n = n }
    assert.equal(512, rows.n)
    local list, seen, late = rows.y:totable(), {}, 0
    for i, id in ipairs(list) do
      assert.is_nil(seen[id])
      seen[id] = true
      assert.equal(id, rows.x:get(i, 1))
      if id >= n / 2 then late = late + 1 end
    end
    assert.is_true(late > 180 and late < 332) -- binomial(512, 1/2) within 6.7 deviations
  end)

  it("can be left out", function()
    local x = ld.tensor { { 0 }, { 1 } }
    local run = ld.experiment({ train = { x, x }, loss = "mse", optimizer = "sgd",
      model = nn.sequential { nn.dense(1) } }):fit { verbose = 0, telemetry = false }
    assert.is_nil(run.signals.init)
    assert.is_nil(run.signals.final)
    assert.is_not_nil(run.signals.layers)
  end)
end)

describe("a watch", function()
  local function loop(options)
    local x = ld.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }
    local y = ld.tensor({ 0, 1, 1, 0 }, "i32")
    local model = nn.sequential { nn.dense { 8, "tanh" }, nn.dense(2) }:build({ 2 }, { seed = 2 })
    local loss = ld.loss.sparse_crossentropy { from_logits = true }
    local opt = ld.optim.sgd { model, lr = options.lr or 0.5 }
    local watch <close> = ld.watch(model, opt, { loss = loss, data = { x, y } })
    for _ = 1, options.steps or 20 do
      local l = loss(model(x), y)
      opt:zero_grad()
      l:backward()
      opt:step()
      watch:step(l)
    end
    return watch
  end

  it("collects the signals of fit from a loop of one's own", function()
    local watch = loop {}
    local run = watch:run()
    assert.same({ 20, 20 }, { run.n_steps, #run.signals.loss })
    assert.is_true(run.signals.loss[20] < run.signals.loss[1])
    assert.near(math.log(2), run.signals.baseline, 1e-6)
    assert.is_not_nil(run.signals.layers.dense_1.ratio_median)
    assert.is_true(run.signals.final.loss < run.signals.init.loss)
    assert.equal(watch.grad_norm, run.signals.grad_norm[20])
    assert.same({ "multiclass", "sgd", true, 4 }, { run.description.task.kind,
      run.description.optimizer.name, run.description.loss.from_logits, run.description.n_train })
  end)

  it("agrees with fit on the same steps", function()
    local x = ld.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }
    local fitted = ld.experiment { train = { x, { 0, 1, 1, 0 } }, seed = 2, epochs = 20, batch = 4,
      loss = { "sparse_crossentropy", from_logits = true }, optimizer = ld.optim.sgd { lr = 0.5 },
      model = nn.sequential { nn.dense { 8, "tanh" }, nn.dense(2) }, shuffle = false }:fit(quiet)
    local watched = loop({}):run()
    assert.same(fitted.steps.loss, watched.steps.loss)
    assert.same(fitted.steps.grad_norm, watched.steps.grad_norm)
  end)

  it("notes the first loss that is not finite, and is closed at the end of its block", function()
    local watch = loop { lr = 1e39, steps = 30 }
    local bad = watch:run().signals.nonfinite
    assert.is_not_nil(bad)
    assert.is_true(bad.step <= 30)
    local ok, message = pcall(watch.step, watch, 1)
    assert.is_false(ok)
    assert.matches("the watch is closed", message, 1, true)
  end)

  it("checks what it is given", function()
    local model = nn.sequential { nn.dense(1) }:build { 2 }
    local ok, message = pcall(ld.watch, nn.dense(1), {})
    assert.is_false(ok)
    assert.matches("expected a built model", message, 1, true)
    ok, message = pcall(ld.watch, model, "sgd")
    assert.is_false(ok)
    assert.matches("expected an optimiser of this model", message, 1, true)
    local watch = ld.watch(model, ld.optim.sgd { model, lr = 0.1 })
    ok, message = pcall(watch.step, watch, "0.3")
    assert.is_false(ok)
    assert.matches("a scalar tensor or a number", message, 1, true)
  end)
end)
