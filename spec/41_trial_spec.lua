local ld = require "lossdbg"
local nn = ld.nn
local trial = require "lossdbg.experiment.trial"

-- Two well separated clouds: learnt in a few epochs at a sensible rate.
local function clouds(n)
  local x, y = {}, {}
  for i = 1, n do
    local class = i % 2
    local angle = i * 2.399963
    x[i] = { (class == 0 and -2 or 2) + math.cos(angle) * 0.5, math.sin(angle) * 0.5 }
    y[i] = class
  end
  return { ld.tensor(x), ld.tensor(y, "i32") }
end

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
    assert.equal(5, #t.seeds)
    assert.is_true(t.after < 0.1)
    assert.is_true(t.before > 0.3)
    assert.is_true(t.skill.after - t.skill.before > 0.5)
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

  it("does not verify mere luck: another seed is the placebo", function()
    local bench = trial.bench(experiment(0), { seeds = 5 })
    assert.is_false(bench:try({ name = "the same under another name" }).verified)
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

  it("pairs the seeds: without a patch both arms are the same run", function()
    local e = experiment(0.3)
    local bench = trial.bench(e, { seeds = 3 })
    local t = bench:try { name = "twin" }
    assert.equal(t.before, t.after)
    for i, loss in ipairs(t.seeds) do
      assert.equal(bench:unpatched(4 + i - 1).signals.skill.loss, loss)
    end
  end)

  it("reports a patch that does not fit", function()
    local t = trial.bench(experiment(0.3), { seeds = 3 }):try { layer = { path = "conv_9",
      options = { activation = "relu" } } }
    assert.is_false(t.verified)
    assert.matches("conv_9", t.reason)
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
