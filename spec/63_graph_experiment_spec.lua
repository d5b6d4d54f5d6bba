-- Experiments with graphs: several inputs, several outputs, training and diagnosis.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local checks = require "graph_checks"
local made = require "graph_experiments"

local nn = ld.nn
local error_of = checks.error_of
local problem, towers = made.problem, made.towers
local one_output, two_outputs = made.one_output, made.two_outputs
local quiet = { verbose = 0 }

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
    assert.is_true(found.unnormalised_inputs)
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
