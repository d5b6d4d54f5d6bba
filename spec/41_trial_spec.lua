local ld = require "lossdbg"
local nn = ld.nn
local clouds = require("spec.support.problems").two_clouds
local trial = require "lossdbg.experiment.trial"

local function experiment(lr)
  return ld.experiment {
    train = clouds(64), model = nn.sequential { nn.dense { 8, "tanh" }, nn.dense { 2, "softmax" } },
    loss = "sparse_crossentropy", optimizer = ld.optim.sgd { lr = lr }, batch = 16, epochs = 15,
    seed = 4,
  }
end

describe("trial", function()
  it("verifies a fix that helps in every seed", function()
    local t = trial.bench(experiment(0), { seeds = 5 }):try { optimizer = { lr = 0.3 } }
    assert.is_true(t.verified)
    assert.equal(2, #t.seeds) -- so clear that the other three could not change it
    assert.is_true(t.after < 0.1)
    assert.is_true(t.before > 0.3)
    assert.is_true(t.skill.after - t.skill.before > 0.5)
  end)

  it("starts the placebo from other seeds than the treatment", function()
    local t = trial.bench(experiment(0.005), { seeds = 3 }):try { optimizer = { lr = 0.3 } }
    assert.is_true(t.verified)
    assert.not_equal(t.before, t.placebo)
    assert.not_equal(t.curves.before[1], t.curves.placebo[1])
  end)

  it("does not verify a change that does nothing", function()
    local t = trial.bench(experiment(0), { seeds = 5 }):try { epochs = 14 }
    assert.is_false(t.verified)
  end)

  it("trains a fix that sets the number of epochs for as long as it says", function()
    local bench = trial.bench(experiment(0.02), { seeds = 3 })
    local longer, shorter = bench:try { epochs = 150 }, bench:try { epochs = 2 }
    assert.equal(150, longer.epochs)
    assert.equal(150, #longer.curves.after)
    assert.equal(15, #longer.curves.placebo)
    assert.is_true(longer.verified and longer.after < longer.before)
    assert.equal(2, #shorter.curves.after)
    assert.is_true(shorter.after > shorter.before)
  end)

  it("refuses a change of nothing before it trains", function()
    local e = experiment(0.02)
    for _, patch in ipairs {
      { name = "the same under another name" }, { seed = 99 }, { optimizer = { lr = 0.02 } },
      { epochs = 15 }, { layers = { kind = "dense", hidden = true, options = { units = 8 } } },
      { dropout = 0 }, { regularizer = "none" },
    } do
      local bench = trial.bench(e, { seeds = 3 })
      local t = bench:try(patch)
      assert.is_false(t.verified)
      assert.equal("it changes nothing", t.reason)
      assert.equal(0, bench.spent)
    end
    assert.is_false(trial.same(e, e:with { optimizer = { lr = 0.03 } }))
    assert.is_false(trial.same(e, e:with { init = "he_normal" }))
    assert.is_false(trial.same(e, e:with { train = clouds(48) }))
  end)

  it("trains no other seed once an answer is clear", function()
    local bench = trial.bench(experiment(0.3), { seeds = 5 })
    local t = bench:try { optimizer = { lr = 0 } }
    assert.equal(1, #t.seeds)
    assert.near(2 * bench:cost(experiment(0.3)), bench.spent, 1e-12) -- as it is, and with the fix
    assert.is_nil(t.placebo)
    assert.equal("no better than as it is", t.why)
  end)

  it("gives a run that ends after so many steps more of them with more epochs", function()
    local e = experiment(0.02):with { max_steps = 20 }
    assert.equal(80, e:with({ epochs = 60 }).recipe.max_steps)
    assert.equal(7, e:with({ epochs = 60, max_steps = 7 }).recipe.max_steps)
    local t = trial.bench(e, { seeds = 3 }):try { epochs = 600 }
    assert.is_true(t.verified)
  end)

  it("does not verify a change that makes it worse", function()
    local t = trial.bench(experiment(0.3), { seeds = 3 }):try { optimizer = { lr = 0 } }
    assert.is_false(t.verified)
    assert.is_true(t.after > t.before)
  end)

  it("counts a run that ends in NaN as worse than any other", function()
    local t = trial.bench(experiment(0.3), { seeds = 3 }):try { optimizer = { lr = 1e38 } }
    assert.is_false(t.verified)
    assert.equal(-math.huge, t.skill.after)
  end)

  it("pairs the seeds", function()
    local bench = trial.bench(experiment(0.05), { seeds = 3 })
    local arm = bench:arm { batch = 8 }
    bench:finish(arm)
    for i, pair in ipairs(arm.seeds) do
      assert.equal(bench:unpatched(4 + i - 1).train.loss, pair.before.loss)
      local alone = experiment(0.05):with({ batch = 8, seed = 4 + i - 1 }):fit { verbose = 0 }
      assert.equal(alone.signals.skill.loss, pair.after.loss)
    end
  end)

  it("reports a patch that does not fit", function()
    local t = trial.bench(experiment(0.3), { seeds = 3 }):try { layer = { path = "conv_9",
      options = { activation = "relu" } } }
    assert.is_false(t.verified)
    assert.matches("conv_9", t.reason)
  end)

  it("reports a patch of the rows that does not fit the loss", function()
    local x = ld.randn { 40, 3 }
    local e = ld.experiment { train = { x, ld.ones { 40, 1 } }, loss = "categorical_crossentropy",
      model = nn.sequential { nn.dense { 1, "softmax" } }, epochs = 2 }
    local other = ld.experiment { train = { x, ld.ones { 40, 2 } }, loss = "mse",
      model = nn.sequential { nn.dense { 2 } }, epochs = 2 }
    for _, part in ipairs { e, other } do
      local t = trial.bench(part, { seeds = 3 }):try { train = { x, ld.ones { 40, 3 } } }
      assert.is_false(t.verified)
      assert.matches("expected %[40, %d%] for predictions", t.reason)
    end
  end)

  it("leaves the experiment and its finished run alone", function()
    local e = experiment(0.3)
    local run = e:fit { verbose = 0 }
    local before = run:last "loss"
    trial.bench(e, { seeds = 3, run = run }):try { optimizer = { lr = 0.01 } }
    assert.equal(before, run:last "loss")
    assert.equal(before, e:fit({ verbose = 0 }):last "loss")
  end)
end)
