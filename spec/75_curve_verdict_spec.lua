-- What a bare curve says: series of known shape, and what one must not read into them.
local curve = require "lossdbg.diagnose.curve"
local shape = require "lossdbg.diagnose.curve.shape"

local NAN = 0 / 0

-- Noise between -1 and 1 that is the same in every run and has no trend.
local function noise(i) return math.sin(i * 12.9898) end

local function series(n, fn)
  local y = {}
  for i = 1, n do y[i] = fn(i) end
  return y
end

local function judge(y, given)
  given = given or {}
  local run = { history = { loss = y, val_loss = given.val, accuracy = given.accuracy,
    lr = given.lr }, axis = given.axis or "epoch" }
  return curve.judge(run, given.facts)
end

local function cause(d, i) return d.causes[i or 1] and d.causes[i or 1].cause end

describe("a bare curve", function()
  it("that falls on is learning, and no fault", function()
    for _, y in ipairs {
      series(20, function(i) return 2.3 * math.exp(-i / 10) end),
      series(8, function(i) return 2.3 - 0.2 * i end),
      series(300, function(i) return 2.3 * math.exp(-i / 250) * (1 + 0.1 * noise(i)) end),
      series(30, function(i) return i < 15 and 2.3 - 0.001 * i or 2.3 * math.exp((14 - i) / 8) end),
    } do
      local d = judge(y, { axis = #y > 100 and "step" or "epoch" })
      assert.equal("still_falling", d.state)
      assert.is_false(d.fault)
      assert.equal("too_few_epochs", cause(d))
    end
  end)

  it("that is noisy but falls is never called stuck", function()
    for seed = 1, 20 do
      local y = series(400, function(i)
        return 3.4 * (0.6 + 0.4 * math.exp(-i / 200)) * (1 + 0.12 * noise(i + 1000 * seed))
      end)
      local d = judge(y, { axis = "step" })
      assert.equal("still_falling", d.state)
      assert.is_false(d.fault)
    end
  end)

  it("that settled low is healthy, half way is not judged", function()
    local function settling(to)
      return series(40, function(i) return to + (2 - to) * math.exp(-i) end)
    end
    local d = judge(settling(0.05))
    assert.equal("healthy", d.state)
    assert.is_false(d.fault)
    d = judge(settling(1))
    assert.equal("plateau_after_progress", d.state)
    assert.is_nil(d.fault)
    assert.matches("labels", d.next, 1, true)
  end)

  it("that stopped to the last digit after it fell is a fault", function()
    local y = series(30, function(i) return i < 12 and 2.5 - 0.1 * i or 1.3 end)
    local d = judge(y, { lr = series(30, function(i) return i < 12 and 0.1 or 1e-9 end) })
    assert.equal("plateau_after_progress", d.state)
    assert.is_true(d.fault)
    assert.equal("lr_too_low", cause(d))
    assert.matches("from 0.1 to 1e-09", d.causes[1].speaks, 1, true)
  end)

  it("that settled as its rate was gone is a fault, with the rate of half way", function()
    local y = series(40, function(i) return 1.6 + 0.6 * math.exp(-i) end)
    local function with(last)
      return judge(y, { lr = series(40, function(i) return 0.01 * (i > 20 and last or 1) end) })
    end
    assert.is_true(with(1e-3).fault)
    assert.equal("lr_too_low", cause(with(1e-3)))
    assert.is_nil(with(2e-3).fault)
    assert.is_nil(judge(y).fault)
  end)

  it("that is constant is a fault, with or without noise", function()
    local d = judge(series(12, function() return 0.7368 end))
    assert.equal("constant", d.state)
    assert.is_true(d.fault)
    assert.equal("frozen_parameters", cause(d))
    d = judge(series(40, function(i) return 2.3 + 0.01 * noise(i) end))
    assert.equal("constant", d.state)
    assert.equal("uninformative_labels", cause(d))
  end)

  it("that falls evenly by a percent is too slow; at the border it is learning", function()
    local function line(share)
      return series(20, function(i) return 2 * (1 - share * i / 20) end)
    end
    assert.equal("too_slow", judge(line(0.01)).state)
    assert.equal("lr_too_low", cause(judge(line(0.01))))
    assert.equal("too_slow", judge(line(0.05)).state) -- 19/20 of 5 % lie between the ends
    assert.equal("still_falling", judge(line(0.075)).state)
  end)

  it("with NaN says from where on, and what was finite before", function()
    local d = judge({ NAN, NAN, NAN })
    assert.equal("nan", d.state)
    assert.is_true(d.fault)
    assert.equal("nan_in_data", cause(d))
    assert.matches("from epoch 1 on", d.text, 1, true)
    d = judge({ 2, 3, math.huge, 1 }, { axis = "step" })
    assert.matches("from step 3 on", d.text, 1, true)
    assert.equal("lr_too_high", cause(d))
    d = judge({ 2, NAN }, { facts = { nonfinite_data = "x.npy" } })
    assert.same({ cause = "nan_in_data", speaks = "x.npy holds NaN or infinity" }, d.causes[1])
    d = judge({ NAN, NAN }, { facts = { nonfinite_data = false } })
    assert.not_equal("nan_in_data", cause(d))
  end)

  it("that grows diverges, also after it had fallen", function()
    assert.equal("diverging", judge(series(10, function(i) return 1.5 ^ i end)).state)
    local y = series(30, function(i) return i < 15 and 2 - 0.1 * i or 0.6 * 1.15 ^ (i - 14) end)
    assert.equal("diverging", judge(y).state)
    assert.is_true(judge(y).fault)
    y = series(30, function(i) return (i == 10 or i == 20) and 40 or 2 - 0.05 * i end)
    assert.equal("diverging", judge(y).state)
    y[20] = 1 -- one leap may be a batch of outliers
    assert.equal("still_falling", judge(y).state)
  end)

  it("that jumps up and down by what there was to lose oscillates; around a fit it does not",
    function()
      local function swaying(level)
        return series(30, function(i) return level + (2 - level) * math.exp(-i)
          + 0.4 * level * (i % 2 == 0 and 1 or -1) end)
      end
      assert.equal("oscillating", judge(swaying(1)).state)
      assert.is_true(judge(swaying(1)).fault)
      assert.not_equal("oscillating", judge(swaying(0.015)).state)
    end)

  it("whose validation turned up overfits, and alarms from 1.3 times the best on", function()
    local y = series(30, function(i) return 2 * math.exp(-i / 8) end)
    local function val(rise)
      return series(30, function(i)
        return i <= 10 and 2 - 0.1 * i or 1 + (rise - 1) * (i - 10) / 20
      end)
    end
    local d = judge(y, { val = val(2) })
    assert.equal("overfitting", d.state)
    assert.is_true(d.fault)
    assert.matches("rose 2.00 times since epoch 10", d.text, 1, true)
    assert.is_true(judge(y, { val = val(1.31) }).fault)
    d = judge(y, { val = val(1.29) })
    assert.equal("overfitting", d.state)
    assert.is_nil(d.fault)
    assert.equal("still_falling", judge(y, { val = val(1.05) }).state)
  end)

  it("of too few points cannot be judged", function()
    for _, y in ipairs { { 2 }, { 2, 1.9 }, { 2, 1.99, 1.97 } } do
      local d = judge(y)
      assert.equal("cannot_tell", d.state)
      assert.is_nil(d.fault)
    end
  end)

  it("says the same when the loss is multiplied by a constant", function()
    local all = {
      series(20, function(i) return 2.3 * math.exp(-i / 10) end),
      series(40, function(i) return 1 + math.exp(-i) end),
      series(40, function(i) return 2.3 + 0.01 * noise(i) end),
      series(20, function(i) return 2 - 0.001 * i end),
      series(30, function(i) return 1 + 0.4 * (i % 2 == 0 and 1 or -1) end),
    }
    for _, y in ipairs(all) do
      local base = judge(y)
      for _, factor in ipairs { 1e-6, 1e2 } do
        local d = judge(series(#y, function(i) return y[i] * factor end))
        assert.equal(base.state, d.state)
        assert.equal(base.fault, d.fault)
      end
    end
  end)

  it("that begins blown up is judged from where it came down to", function()
    local y = series(20, function(i) return i == 1 and 70000 or 1.089 + 0.001 * noise(i) end)
    local d = judge(y)
    assert.equal("constant", d.state)
    assert.equal("unnormalised_inputs", cause(d))
    assert.equal(1, d.shape.blown)
    -- weights that shrink back by a constant factor from where no training begins
    d = judge(series(10, function(i) return 1e14 * 0.3 ^ i end))
    assert.is_true(d.fault)
    assert.equal("unnormalised_inputs", cause(d))
    d = judge(series(10, function(i) return 1e5 * 0.3 ^ i end)) -- a linear fit, well conditioned
    assert.is_false(d.fault)
  end)
end)

describe("levels", function()
  local function flat(level) return series(30, function(i) return level + 1e-4 * noise(i) end) end
  local function found(d)
    local names = {}
    for i, level in ipairs(d.levels) do names[i] = level.name end
    return table.concat(names, " ")
  end

  it("are recognised from classes, counts and targets", function()
    local d = judge(flat(math.log(7)), { facts = { classes = 7 } })
    assert.matches("uniform_guess", found(d), 1, true)
    local prior = { 0.5, 0.25, 0.25 }
    local entropy = 1.5 * math.log(2)
    d = judge(flat(entropy), { facts = { classes = 3, prior = prior, family = "cross_entropy" } })
    assert.matches("class_entropy", found(d), 1, true)
    assert.equal("misaligned_labels", cause(d))
    d = judge(flat(42), { facts = { family = "squared", variance = 42 } })
    assert.matches("variance", found(d), 1, true)
    d = judge(flat(16.118 * 0.4), { facts = { classes = 5, family = "cross_entropy" },
      accuracy = series(30, function() return 0.6 end) })
    assert.matches("saturated", found(d), 1, true)
    assert.equal("wrong_output_activation", cause(d))
    assert.equal("", found(judge(flat(1.3), { facts = { classes = 7 } })))
  end)

  it("of two softmaxes is a fault after progress, known or guessed K", function()
    local floor = math.log(1 + 9 / math.exp(1))
    local y = series(60, function(i) return floor + 0.8 * math.exp(-i / 4) end)
    for _, facts in ipairs { { classes = 10 }, {} } do
      local d = judge(y, { facts = facts })
      assert.equal("plateau_after_progress", d.state)
      assert.is_true(d.fault)
      assert.equal("double_softmax", cause(d))
    end
    local d = judge(y, { facts = { classes = 3 } })
    assert.is_nil(d.fault)
  end)

  it("make healthy or stuck of a plateau where the labels are known", function()
    local facts = { family = "squared", variance = 100 }
    local y = series(40, function(i) return 20 + 80 * math.exp(-i) end)
    assert.equal("healthy", judge(y, { facts = facts }).state)
    y = series(40, function(i) return 98 + 100 * math.exp(-i) end)
    assert.equal("constant", judge(y, { facts = facts }).state)
  end)

  it("contradict an accuracy that never moves: a wrong answer costs ln 2", function()
    local y = series(15, function(i) return 0.86 * math.exp(-i / 6) end)
    local d = judge(y, { accuracy = series(15, function() return 0.6272 end),
      facts = { units = 1, activation = "softmax" } })
    assert.is_true(d.fault)
    assert.equal("softmax_single_unit", cause(d))
    assert.matches("accuracy stays at 0.6272", d.text, 1, true)
    -- rare ones: the loss may be so low with an accuracy that is that of the majority
    d = judge(y, { accuracy = series(15, function() return 0.95 end) })
    assert.is_false(d.fault)
  end)
end)

describe("shapes", function()
  it("of signed, zero and single values are no error", function()
    for _, y in ipairs { {}, { 0 }, { 0, 0, 0, 0, 0, 0, 0 }, { -1, -2, -3, -4, -5, -6, -7, -8 },
      { 1, 0, -1, 0, 1, 0, -1, 0, 1 }, { 1e300, 1e-300, 1e300, 1e-300, 1e300, 1e-300 } } do
      local m = shape.of(y, "epoch")
      assert.is_string(m.verdict)
    end
    assert.equal("still", shape.of({ 0, 0, 0, 0, 0, 0, 0 }, "epoch").verdict)
    assert.equal("falling", shape.of({ -1, -2, -3, -4, -5, -6, -7, -8 }, "epoch").verdict)
  end)

  it("of a million steps take blocks", function()
    local m = shape.of(series(1e5, function(i) return 2 - i / 1e5 + 0.3 * noise(i) end), "step")
    assert.equal("falling", m.verdict)
    assert.is_true(m.points <= 40)
  end)
end)
