-- Schedules against numbers of Keras 3.16 (formulas of the source, evaluated in Python) and of
-- PyTorch 1.13 (printed by its schedulers), base rate 0.1.
local ld = require "lossdbg"
local schedule = ld.schedule

local function fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(tostring(message):find(pattern, 1, true), message)
end

local keras_steps = { 0, 1, 5, 10, 15, 20 }
local golden = {
  { "exponential", { .1, 10, .5 }, keras_steps,
    { .1, .093303299, .070710678, .05, .035355339, .025 } },
  { "exponential", { .1, 10, rate = .5, staircase = true }, keras_steps,
    { .1, .1, .1, .05, .05, .025 } },
  { "inverse_time", { .1, 10, .5 }, keras_steps,
    { .1, .095238095, .08, .066666667, .057142857, .05 } },
  { "polynomial", { .1, 10 }, keras_steps, { .1, .09001, .05005, 1e-4, 1e-4, 1e-4 } },
  { "polynomial", { .1, 10, power = 2, cycle = true }, keras_steps,
    { .1, .081019, .025075, 1e-4, .00634375, 1e-4 } },
  { "polynomial", { .1, 5, power = 2, end_lr = 0 }, { 0, 1, 2, 3, 4, 5, 6 },
    { .1, .064, .036, .016, .004, 0, 0 } },
  { "cosine", { .1, 10 }, keras_steps, { .1, .097552826, .05, 0, 0, 0 } },
  { "cosine", { 0, 10, alpha = .1, warmup_target = .1, warmup_steps = 5 }, keras_steps,
    { 0, .02, .1, .055, .01, .01 } },
  { "cosine", { .1, 10, alpha = .1, warmup = 5 }, keras_steps, { 0, .02, .1, .055, .01, .01 } },
  { "cosine_restarts", { .1, 4, m_mul = .5 }, { 0, 1, 2, 3, 4, 6, 8, 11, 12 },
    { .1, .085355339, .05, .014644661, .05, .04267767, .025, .0019030117, .025 } },
  { "cosine_restarts", { .1, 2 }, { 0, 1, 2, 3, 4, 5, 6 },
    { .1, .05, .1, .085355339, .05, .014644661, .1 } },
  { "step", { .1, 2 }, { 0, 1, 2, 3, 4, 5 }, { .1, .1, .01, .01, .001, .001 } },
  { "linear", { .1 }, { 0, 1, 2, 3, 4, 5, 6 },
    { .033333333, .046666667, .06, .073333333, .086666667, .1, .1 } },
  { "one_cycle", { .1, 10 }, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 },
    { .004, .052, .1, .095048463, .081174565, .061126202, .038874198, .018825835, .0049519368,
      4e-7 } },
  { "piecewise", { { 10, 20 }, { 1, .5, .1 } }, { 0, 10, 11, 20, 21 }, { 1, 1, .5, .5, .1 } },
  { "constant", { .3 }, { 0, 7, 1e6 }, { .3, .3, .3 } },
}

describe("schedule", function()
  for i, row in ipairs(golden) do
    it(row[1] .. " gives the golden numbers, case " .. i, function()
      local rate = schedule[row[1]](row[2])
      for k, step in ipairs(row[3]) do
        assert.near(row[4][k], rate(step), 1e-9)
      end
    end)
  end

  it("restarts with equal cycles when t_mul is 1", function()
    local rate = schedule.cosine_restarts { .1, 4, t_mul = 1 }
    for step = 0, 11 do
      assert.near(.05 * (1 + math.cos(math.pi * (step % 4) / 4)), rate(step), 1e-12)
    end
  end)

  it("hits the start of every cycle exactly", function()
    local rate, start = schedule.cosine_restarts { 1, 3 }, 0
    for cycle = 0, 20 do
      assert.near(1, rate(start), 1e-9)
      start = start + 3 * 2 ^ cycle
    end
  end)

  it("is plain data that makes the same schedule again", function()
    for _, row in ipairs(golden) do
      local rate = schedule[row[1]](row[2])
      local described = { name = rate.name }
      for key, value in pairs(rate.options) do described[key] = value end
      local again = schedule.from(described)
      for _, step in ipairs(row[3]) do assert.equal(rate(step), again(step)) end
    end
  end)
end)

describe("reduce_on_plateau", function()
  -- rates used in successive epochs for a list of metrics
  local function rates(o, metrics, lr)
    local object, list = schedule.reduce_on_plateau(o), {}
    lr = lr or .1
    for i, metric in ipairs(metrics) do
      list[i] = lr
      lr = object:epoch(metric, lr)
    end
    return list
  end
  local function near(expected, got)
    assert.equal(#expected, #got)
    for i, lr in ipairs(expected) do assert.near(lr, got[i], 1e-12) end
  end

  it("acts one epoch earlier in Keras than in PyTorch", function()
    local constant = { 1, 1, 1, 1, 1, 1 }
    near({ .1, .1, .1, .01, .01, .001 }, rates({ patience = 2 }, constant))
    near({ .1, .1, .1, .1, .01, .01 }, rates({ patience = 2, flavor = "torch" }, constant))
  end)

  -- Loss 100, then 0.005 less every epoch: an absolute 1e-4 is beaten, a relative one is not.
  it("measures improvement absolutely in Keras, relatively in PyTorch", function()
    local falling = { 100, 99.995, 99.99, 99.985, 99.98 }
    near({ .1, .1, .1, .1, .1 }, rates({ patience = 1 }, falling))
    near({ .1, .1, .1, .01, .01 }, rates({ patience = 1, flavor = "torch" }, falling))
    near({ .1, .1, .1, .1, .1 },
      rates({ patience = 1, flavor = "torch", threshold_mode = "abs" }, falling))
  end)

  it("waits while it cools", function()
    local constant = { 1, 1, 1, 1, 1, 1, 1 }
    -- Keras: reduced after epoch 2; epochs 3 and 4 cool, but the second ends with wait 1 again
    near({ .1, .1, .01, .01, .001, .001, .0001 },
      rates({ patience = 1, cooldown = 2 }, constant))
    -- PyTorch: bad > 1 after epoch 3; two epochs cool; then two bad ones are needed again
    near({ .1, .1, .1, .01, .01, .01, .01 },
      rates({ patience = 1, cooldown = 2, flavor = "torch" }, constant))
  end)

  it("stops at min_lr, and in PyTorch when the change would be below eps", function()
    near({ .1, .1, .05, .05 }, rates({ patience = 1, min_lr = .05 }, { 1, 1, 1, 1 }))
    near({ 1e-8, 1e-8, 1e-8, 1e-8 },
      rates({ patience = 0, flavor = "torch" }, { 1, 1, 1, 1 }, 1e-8))
  end)

  it("knows which way a metric goes", function()
    near({ .1, .1, .1 }, rates({ patience = 1, monitor = "val_accuracy" }, { .1, .2, .3 }))
    near({ .1, .1, .01 }, rates({ patience = 1, mode = "min" }, { .1, .2, .3 }))
  end)

  it("takes NaN for no improvement", function()
    near({ .1, .1, .01 }, rates({ patience = 2 }, { 0 / 0, 0 / 0, 0 / 0 }))
  end)
end)

describe("misuse", function()
  local cases = {
    { "'steps'", function() schedule.cosine { .1 } end },
    { "'lr': expected a number, got nil", function() schedule.constant() end },
    { "'lr': expected a number >= 0", function() schedule.constant(-1) end },
    { "got NaN", function() schedule.step { 0 / 0, 1 } end },
    { "did you mean 'warmup_steps'", function() schedule.cosine { .1, 5, warmup_step = 1 } end },
    { "'steps': expected a number > 0", function() schedule.exponential { .1, 0, .5 } end },
    { "'alpha'", function() schedule.cosine { .1, 5, alpha = 2 } end },
    { "one more than boundaries", function() schedule.piecewise { { 1 }, { 1 } } end },
    { "ascending", function() schedule.piecewise { { 2, 1 }, { 1, 2, 3 } } end },
    { "'values'", function() schedule.piecewise { { 2 }, { 1, -2 } } end },
    { "'factor': expected a number > 0 and < 1", function()
      schedule.reduce_on_plateau { factor = 1 }
    end },
    { "'metric'", function() schedule.reduce_on_plateau():epoch("x", 1) end },
    { "'lr'", function() schedule.reduce_on_plateau():epoch(1, -1) end },
    { "'step': expected a number >= 0", function() schedule.constant(1)(-1) end },
    { "did you mean 'cosine'", function() schedule.from { name = "cosin" } end },
  }
  for _, case in ipairs(cases) do
    it("says " .. case[1], function() fails(case[1], case[2]) end)
  end
end)
