local outcome = require "lossdbg.experiment.trial.trial_outcome"
local work = require "lossdbg.experiment.trial.trial_work"

local huge = math.huge

local function o(task, level, loss) return { task = task, level = level, loss = loss or 1 } end

-- Seeds from lists of task skills.
local function seeds(before, after, placebo)
  local list = {}
  for i = 1, #after do
    list[i] = { before = o(before[i]), after = o(after[i]),
      placebo = placebo[i] and o(placebo[i]) or nil }
  end
  return list
end

local function judge(before, after, placebo, n)
  return outcome.judge(seeds(before, after, placebo), n or #after, false)
end

describe("the arithmetic of a trial", function()
  it("verifies what is better than as it is and than placebo in every seed", function()
    local v = judge({ 0.1, 0.2, 0.1 }, { 0.3, 0.4, 0.3 }, { 0.2, 0.1, 0.2 })
    assert.is_true(v.verified and v.decided)
    assert.near(0.2, v.gain, 1e-12)
    assert.near(0.1, v.over_placebo, 1e-12)
  end)

  it("needs every seed", function()
    local v = judge({ 0.1, 0.5, 0.1 }, { 0.3, 0.5, 0.3 }, { 0.1, 0.1, 0.1 })
    assert.is_false(v.verified)
    assert.equal("no better than as it is", v.why)
  end)

  it("needs the placebo", function()
    local v = judge({ 0.1, 0.1, 0.1 }, { 0.3, 0.3, 0.3 }, { 0.1, 0.3, 0.1 })
    assert.is_false(v.verified)
    assert.equal("no better than placebo", v.why)
    v = judge({ 0.1, 0.1, 0.1 }, { 0.9, 0.9, 0.9 }, { 0.1, 0.1 })
    assert.is_false(v.verified or v.decided)
  end)

  it("needs a gain of 0.05 in the median, over both", function()
    local same = { 0.5, 0.5, 0.5 }
    assert.is_true(judge(same, { 0.56, 0.56, 0.56 }, same).verified)
    assert.is_false(judge(same, { 0.54, 0.54, 0.54 }, same).verified)
    assert.is_false(judge(same, { 0.56, 0.56, 0.56 }, { 0.52, 0.52, 0.52 }).verified)
  end)

  it("needs an end that is better than the best constant answer", function()
    local bad = { -0.9, -0.9, -0.9 }
    assert.is_false(judge(bad, { 0.04, 0.04, 0.04 }, bad).verified)
    assert.equal("still no better than a constant answer",
      judge(bad, { 0.04, 0.04, 0.04 }, bad).why)
    assert.is_true(judge(bad, { 0.06, 0.06, 0.06 }, bad).verified)
  end)

  it("ends early only where no seed could change the answer", function()
    local function after(n, gain)
      local b, a = {}, {}
      for i = 1, n do b[i], a[i] = 0.2, 0.2 + gain end
      return judge(b, a, b, 5)
    end
    assert.is_false(after(1, 0.7).decided) -- one seed is luck
    assert.is_true(after(2, 0.26).verified)
    assert.is_false(after(2, 0.24).decided)
    assert.is_true(after(5, 0.24).verified)
    assert.is_true(after(1, -0.1).decided)
  end)

  it("counts a run that ended in NaN as the worst, and two of them as equal", function()
    local v = judge({ 0.5, 0.5, 0.5 }, { -huge, -huge, -huge }, {})
    assert.is_false(v.verified)
    assert.is_false(judge({ -huge }, { -huge }, { -huge }).verified)
    assert.is_true(judge({ -huge, -huge, -huge }, { 0.6, 0.6, 0.6 }, { -huge, 0, 0 }).verified)
  end)

  it("compares losses only where the task cannot tell and the loss is the same", function()
    assert.near(0.4, outcome.gain(o(0.81, 0.7), o(0.8, 0.3), true), 1e-12)
    assert.near(0.01, outcome.gain(o(0.81, 0.7), o(0.8, 0.3), false), 1e-12)
    assert.near(0.1, outcome.gain(o(0.9, 0.1), o(0.8, 0.3), true), 1e-12)
    assert.near(0.4, outcome.gain(o(nil, 0.7), o(nil, 0.3), false), 1e-12)
    assert.is_nil(outcome.gain(o(0.5, nil), o(nil, nil), true))
  end)

  it("tells medians, a loss that is no number as the largest", function()
    local s = outcome.summary {
      { before = o(0, 0, 3), after = o(0.9, 0.9, 0.1), placebo = o(0, 0, 4) },
      { before = o(0, 0, 0 / 0), after = o(0.8, 0.8, 0.2), placebo = o(0, 0, 5) },
      { before = o(0, 0, 2), after = o(0.7, 0.7, 0.3), placebo = o(0, 0, 6) },
    }
    assert.equal(3, s.before)
    assert.equal(0.2, s.after)
    assert.equal(5, s.placebo)
    assert.near(0.8, s.skill.after, 1e-12)
  end)
end)

describe("the work of a training", function()
  local function description(more)
    local d = { layers = { { kind = "dense", n_parameters = 110, output_shape = { 10 } } },
      batch = 32, n_train = 320, epochs = 4, steps_per_epoch = 10 }
    for key, value in pairs(more or {}) do d[key] = value end
    return d
  end

  it("grows with steps, rows and parameters, and reads no clock", function()
    local one = work.of(description())
    assert.near(2 * one, work.of(description { epochs = 8 }), 1e-12)
    assert.near(2 * one, work.of(description(), 8), 1e-12)
    assert.near(one / 2, work.of(description { max_steps = 20 }), 1e-12)
    assert.is_true(work.of(description { batch = 64 }) > one)
    assert.equal(one, work.of(description()))
  end)

  it("counts a parameter at every place where it is used", function()
    local conv = { kind = "conv2d", n_parameters = 80, output_shape = { 6, 5, 8 } }
    assert.equal(80 * 30 + 4 * 240, work.products { layers = { conv } })
    local lstm = { kind = "lstm", n_parameters = 100, input_shape = { 12, 3 },
      output_shape = { 4 } }
    assert.equal(100 * 12 + 4 * 4, work.products { layers = { lstm } })
  end)
end)
