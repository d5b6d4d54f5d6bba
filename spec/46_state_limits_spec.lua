--- Limits of movement and state that single runs seldom touch, on both sides.
local movement = require "lossdbg.diagnose.movement"
local state = require "lossdbg.diagnose.state"

local function flat(n, value)
  local list = {}
  for i = 1, n do list[i] = value end
  return list
end

local function level_broken(skill)
  return state.judge { losses = flat(100, 0.1), epochs = flat(10, 0.1), baseline = 1, level = 0.1,
    steps_per_epoch = 10, skill = { value = skill, verdict = "better" } }.level.broken == true
end

-- Validation losses with the best at 1 and then n rising from 1 + step.
local function turned(n, step)
  local val, train = {}, {}
  for i = 1, 12 - n do val[i] = 1.1 - 0.1 * i / (12 - n) end
  for i = 1, n do val[12 - n + i] = 1 + step * i end
  for i = 1, 12 do train[i] = 1 - 0.05 * i end
  return (state.turned(val, train))
end

-- Forty epochs whose second half goes up and down; some of the rises are large.
local function zigzag(n, large, rise)
  local list = flat(n, 1)
  for i = n // 2 + 1, n do
    local k = i - n // 2
    list[i] = k % 2 == 1 and 1 + (k <= large * n // 2 and rise or 0.01) or 1
  end
  return list
end

local function swings(epochs)
  return movement.of { epochs = epochs, losses = flat(400, 1), steps_per_epoch = 1, start = 10,
    level = 1, trend = { verdict = "plateau", first = 10, last = 1, best = 1 } }.verdict
    == "swinging"
end

describe("limits of what a run shows", function()
  it("hold for a loss below its floor", function()
    assert.is_false(level_broken(1.0005))
    assert.is_true(level_broken(1.002))
  end)

  it("hold for a validation loss that turns", function()
    assert.is_true(turned(8, 0.05))
    assert.is_false(turned(8, 0.005))
    assert.is_false(turned(3, 0.05))
  end)

  it("hold for the length of a run", function()
    local function long(epochs)
      return movement.of { epochs = flat(epochs, 1), losses = flat(epochs, 1),
        steps_per_epoch = 1 }.long
    end
    assert.is_false(long(19))
    assert.is_true(long(20))
  end)

  it("hold for a loss that stays to rounding", function()
    local function still(range)
      local list = flat(10, 1)
      list[10] = 1 + range
      return movement.of { epochs = list, losses = list, steps_per_epoch = 1 }.still
    end
    assert.is_true(still(0.9e-6))
    assert.is_false(still(1.1e-6))
  end)

  it("hold for a loss that comes back up", function()
    local function rising(last)
      return movement.of { losses = flat(100, last), epochs = flat(10, last), start = 10,
        level = last, steps_per_epoch = 10, trend = { verdict = "increasing", first = 10,
          last = last, best = 1 } }.verdict == "rising"
    end
    assert.is_true(rising(2.1))
    assert.is_false(rising(1.9))
  end)

  it("hold for epochs that jump", function()
    assert.is_true(swings(zigzag(40, 1, 0.3)))
    assert.is_false(swings(zigzag(40, 0.2, 0.3)))
    assert.is_false(swings(zigzag(40, 1, 0.1)))
    local up = flat(40, 1)
    for i = 21, 40 do up[i] = up[i - 1] * (i % 3 == 0 and 1.3 or 1.001) end
    up[23], up[26] = up[22] * 0.99, up[25] * 0.99
    assert.is_false(swings(up))
  end)

  it("hold for a run that a plain fit leaves behind", function()
    local function state_at(behind)
      return state.judge { losses = flat(300, 0.3), epochs = flat(30, 0.3), steps_per_epoch = 10,
        start = 1, level = 0.3, baseline = 1, skill = { value = 0.3, verdict = "better" },
        trend = { verdict = "plateau", first = 1, last = 0.3, best = 0.3 }, behind = behind }.id
    end
    assert.not_equal("too_slow", state_at(0.19))
    assert.equal("too_slow", state_at(0.21))
  end)

  it("hold for what was learnt in spite of leaps, and for weights trained before", function()
    local leaping = flat(100, 0.1)
    leaping[50], leaping[70] = 500, 500
    local run = state.judge { losses = leaping, epochs = flat(10, 0.1), steps_per_epoch = 10,
      baseline = 1, level = 0.1, skill = { value = 0.9, verdict = "better" } }
    assert.not_equal("diverging", run.id)
    local same = { losses = flat(300, 0.4), epochs = flat(30, 0.4), steps_per_epoch = 10,
      start = 0.4, level = 0.4, baseline = 1, skill = { value = 0.6, verdict = "better" } }
    assert.equal("constant", state.judge(same).id)
    same.pretrained = true
    assert.equal("healthy", state.judge(same).id)
  end)
end)
