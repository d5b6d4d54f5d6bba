--- Limits of what a recorded curve says, on both sides: bands of good runs, scores beside a loss,
-- levels of a number of classes that nobody told; and what a loop lost. Numbers by hand.
local bands = require "lossdbg.diagnose.curve.bands"
local levels = require "lossdbg.diagnose.curve.curve_levels"
local lost = require "lossdbg.diagnose.lost"
local skill = require "lossdbg.diagnose.curve.curve_skill"

local function flat(n, value)
  local list = {}
  for i = 1, n do list[i] = value end
  return list
end

describe("bands of good runs", function()
  it("have twenty places, a quarter above the worst run", function()
    assert.same(flat(20, 1.25), bands.learn { { 2, 2 }, { 4, 2 } })
  end)

  it("are left by three places in a row", function()
    local loss = flat(20, 1)
    loss[1], loss[5], loss[6] = 1, 2, 2
    assert.is_nil(bands.outside(flat(20, 1.5), loss))
    loss[7] = 2
    assert.equal(5, (bands.outside(flat(20, 1.5), loss)))
  end)
end)

describe("scores beside a loss", function()
  local function decoupled(accuracy, shape)
    return skill.decoupled(accuracy, shape) ~= nil
  end

  it("are the median of the last three epochs", function()
    assert.equal(0.5, skill.of({ r2 = { 9, 9, 0.1, 0.9, 0.5 } }).train)
  end)

  it("contradict a loss below 0.7 ln 2 a wrong answer, when it lost half", function()
    local half = flat(8, 0.5) -- 0.7 * 0.6931 * 0.5 = 0.2426
    assert.is_true(decoupled(half, { fall = 0.6, stop = 0.242 }))
    assert.is_false(decoupled(half, { fall = 0.6, stop = 0.243 }))
    assert.is_true(decoupled(half, { fall = 0.501, stop = 0.1 }))
    assert.is_false(decoupled(half, { fall = 0.499, stop = 0.1 }))
  end)

  it("need eight epochs", function()
    assert.is_false(decoupled(flat(7, 0.5), { fall = 0.6, stop = 0.1 }))
  end)

  local function rising(first, last)
    return { first, first, first + 1e-4, first, last, last, last + 1e-4, last, last }
  end

  it("stay where most answers are wrong while the loss lost 0.3", function()
    assert.is_true(decoupled(rising(0.4, 0.42), { fall = 0.301, stop = 1 }))
    assert.is_false(decoupled(rising(0.4, 0.42), { fall = 0.299, stop = 1 }))
    assert.is_true(decoupled(rising(0.4, 0.4495), { fall = 0.4, stop = 1 }))
    assert.is_false(decoupled(rising(0.4, 0.4505), { fall = 0.4, stop = 1 }))
    assert.is_true(decoupled(rising(0.48, 0.4995), { fall = 0.4, stop = 1 }))
    assert.is_false(decoupled(rising(0.48, 0.5005), { fall = 0.4, stop = 1 }))
  end)

  it("are lost again by 0.15 while the loss falls", function()
    local function falling(last)
      return { 0.9, 0.9, 0.9, 0.85, 0.85, 0.85, last, last, last }
    end
    assert.is_true(decoupled(falling(0.7499), { fall = 0, stop = 1, verdict = "falling" }))
    assert.is_false(decoupled(falling(0.7501), { fall = 0, stop = 1, verdict = "falling" }))
    assert.is_false(decoupled(falling(0.5), { fall = 0, stop = 1, verdict = "settled" }))
  end)

  it("are a constant times the share of wrong answers within 0.3 %", function()
    local accuracy = { 0.5, 0.75 }
    local function loss(factor) return { 16.118 * 0.5 * factor, 16.118 * 0.25 } end
    assert.equal(16.118, skill.saturated(loss(1.0029), accuracy))
    assert.is_nil(skill.saturated(loss(1.0031), accuracy))
  end)
end)

describe("levels of classes that nobody told", function()
  local function names(stop, first, wrong)
    local list = {}
    for i, level in ipairs(levels.find({ stop = stop, best = stop, first = first,
      tail = { se = 1e-3 } }, { wrong = wrong })) do
      list[i] = level.name .. " " .. (level.classes or "")
    end
    return list
  end

  it("begin at 1.2 ln K at most", function()
    assert.same({ "uniform_guess 3" }, names(math.log(3), 1.19 * math.log(3)))
    assert.same({}, names(math.log(3), 1.21 * math.log(3)))
  end)

  it("of two softmaxes begin well above the floor, which has few wrong answers", function()
    local floor = math.log(1 + 3 / math.exp(1)) -- K = 4
    local function at(share) return floor + share * (math.log(4) - floor) end
    assert.same({ "double_softmax 4" }, names(floor, at(0.61), 0.05))
    assert.same({}, names(floor, at(0.59), 0.05))
    assert.same({ "double_softmax 4" }, names(floor, at(0.9), 0.099))
    assert.same({}, names(floor, at(0.9), 0.101))
  end)
end)

describe("what a loop visibly lost", function()
  local function visibly(own, reference, gain)
    return lost.visibly { signals = { skill = { value = own }, outside = { gain = gain,
      reference = { skill = reference } } } }
  end

  it("is a fiftieth of the baseline and half of what is left over", function()
    assert.is_true(visibly(0.96, 0.985, 0.0201))
    assert.is_false(visibly(0.96, 0.985, 0.0199))
    assert.is_true(visibly(0.9, 0.951, 0.05))
    assert.is_false(visibly(0.9, 0.949, 0.05))
    assert.is_true(visibly(0.5, 0.72, 0.21)) -- more than a fifth needs no comparison
  end)
end)
