-- Schedules against the rates of Keras 3 and PyTorch 2 in f64 (parity/schedules.py), schedules made
-- of schedules, plots.
local ld = require "lossdbg"
local schedule = ld.schedule
local golden = dofile "spec/parity/schedules.lua"

local function fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(tostring(message):find(pattern, 1, true), message)
end

describe("schedule of a peer", function()
  for i, row in ipairs(golden) do
    it(("%s, case %d"):format(row[1], i), function()
      local rate = schedule[row[1]](row[2])
      for k, expected in ipairs(row[3]) do
        -- cosines end in sums that cancel: an absolute part of the highest rate
        assert.near(expected, rate(k - 1), 1e-10 * math.abs(expected) + 1e-16)
      end
    end)

    it(("%s, case %d, is plain data and can be plotted"):format(row[1], i), function()
      local rate = schedule[row[1]](row[2])
      local again = schedule.from(rate:describe())
      for step = 0, 24 do assert.equal(rate(step), again(step)) end
      local highest = 0
      for _, expected in ipairs(row[3]) do highest = math.max(highest, expected) end
      assert.is_true(rate:peak() >= highest * (1 - 1e-12))
      local text = rate:plot(24)
      assert.is_truthy(text:find("[\u{2801}-\u{28ff}]"))
      assert.is_truthy(text:find("step", 1, true))
    end)
  end
end)

describe("schedules made of others", function()
  it("rise to the first rate of what follows, whatever it is", function()
    for _, inner in ipairs { .4, schedule.constant(.4), function() return .4 end } do
      local rate = schedule.warmup { steps = 4, schedule = inner }
      local got = {}
      for step = 0, 5 do got[step + 1] = rate(step) end
      assert.same({ 0, .1, .2, .4 * 3 / 4, .4, .4 }, got)
    end
    assert.near(.25, schedule.warmup { steps = 2, schedule = .4, from = .1 }(1), 1e-15)
  end)

  it("take functions as rates, and in a chain as factors", function()
    local square = schedule.custom(function(step) return step ^ 2 end)
    assert.equal(9, square(3))
    local rate = schedule.chain { schedule.constant(.5), function(step) return 1 / (step + 1) end }
    assert.equal(.125, rate(3))
    local turn = schedule.sequential { schedules = { .1, function(step) return step end },
      milestones = { 10 } }
    assert.equal(.1, turn(9))
    assert.equal(2, turn(12))
  end)

  it("move an optimiser: step and rate in lockstep", function()
    local w = ld.tensor({ 0 }, "f64")
    w.requires_grad = true
    local opt = ld.optim.sgd { { w },
      lr = schedule.warmup { 2, schedule.step { 1, 1, rate = .5 } } }
    for _ = 1, 5 do
      w.grad = ld.tensor({ -1 }, "f64")
      opt:step()
    end
    assert.near(0 + .5 + 1 + .5 + .25, w[1], 1e-15)
    assert.equal("warmup", opt:describe().schedule.name)
    assert.equal("step", opt:describe().schedule.schedule.name)
    assert.equal(1, opt:describe().lr)
    local again = ld.optim.resolve(opt:describe())
    assert.equal(opt.rate.schedule(3), again.rate.schedule(3))
  end)
end)

describe("misuse", function()
  local cases = {
    { "did you mean 'milestones'", function() schedule.multi_step { .1, milestone = { 1 } } end },
    { "'milestones': expected ascending", function() schedule.multi_step { .1, { 3, 2 } } end },
    { "one fewer than schedules", function() schedule.sequential { { .1, .2 }, { 1, 2 } } end },
    { "'mode': unknown value", function() schedule.cyclic { .1, 1, mode = "triangle" } end },
    { "'steps': expected an integer >= 1", function() schedule.warmup { 0, .1 } end },
    { "a schedule, a rate or a function", function() schedule.warmup { 3, true } end },
    { "with an lr > 0, or functions",
      function() schedule.chain { .1, schedule.piecewise { { 1 }, { 1, 2 } } } end },
    { "'n': expected a number of steps", function() schedule.constant(1):plot(1) end },
    { "did you mean 'warmup'", function() schedule.from { name = "warm_up" } end },
  }
  for _, case in ipairs(cases) do
    it("says " .. case[1], function() fails(case[1], case[2]) end)
  end
end)
