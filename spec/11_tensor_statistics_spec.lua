-- Statistics of tensors and of units against plain loops; fingerprints of a stuck loss against
-- constants worked out by hand.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local series = require "series"
local diagnose = require("lossdbg.core").diagnose

local uniform, moments = series.uniform, series.moments
local nan, huge = 0 / 0, math.huge

local function fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(tostring(message):find(pattern, 1, true), message)
end

describe("stats", function()
  for _, dtype in ipairs { "f32", "f64" } do
    it("are those of the plain loop, over several chunks, " .. dtype, function()
      local draw, list = uniform(1), {}
      for i = 1, 1700 do list[i] = i % 9 == 0 and 0 or draw() * 8 - 3 end
      list[5], list[600], list[601], list[1699] = nan, huge, huge, -huge
      local t = ld.tensor(list, dtype)
      local s = diagnose.stats(t)
      local mean, std, low, high, n = moments(t:totable())
      assert.near(mean, s.mean, 1e-13)
      assert.near(std, s.std, 1e-13)
      assert.near(math.sqrt(mean ^ 2 + std ^ 2), s.rms, 1e-13)
      assert.same({ low, high, n, 1700 }, { s.min, s.max, s.finite, s.count })
      assert.same({ 1, 2, 1, 4 }, { s.nan, s.plus_inf, s.minus_inf, s.nonfinite })
      assert.equal(188, s.zeros)
    end)
  end

  it("lose nothing far from zero: variance 2/3 around 1e8", function()
    local list = {}
    for i = 1, 3000 do list[i] = 1e8 + i % 3 end
    assert.near(math.sqrt(2 / 3), diagnose.stats(ld.tensor(list, "f64")).std, 1e-12)
  end)

  it("say NaN where nothing is finite", function()
    for _, t in ipairs { ld.zeros(0), ld.full(3, nan) } do
      local s = diagnose.stats(t)
      assert.is_true(s.mean ~= s.mean and s.std ~= s.std and s.min ~= s.min)
    end
  end)

  it("accept i32 and refuse strided views", function()
    assert.equal(2, diagnose.stats(ld.tensor({ 1, 2, 3 }, "i32")).mean)
    fails("contiguous", diagnose.stats, ld.zeros { 2, 3 }:transpose())
  end)
end)

describe("units", function()
  local x = ld.tensor { { 0, 1, nan }, { -1, 2, 3 }, { 0, 3, -huge }, { -2, -1, 0.5 } }

  it("are active above the threshold", function()
    local a = diagnose.unit_activity(x)
    assert.same({ 0, 3, 2 }, { a[1], a[2], a[3] })
    assert.same({ 4, 1, 0 }, { a.rows, a.none, a.all })
    assert.equal(2, diagnose.unit_activity(x, 1)[2])
  end)

  it("are saturated at or beyond the limits", function()
    local s = diagnose.unit_saturation(x, -1, 3)
    assert.same({ 2, 2, 2 }, { s[1], s[2], s[3] })
  end)

  it("have columns", function()
    local c = diagnose.columns(x)
    assert.same({ -0.75, 1.25, 1.75 }, c.mean)
    assert.same({ 4, 4, 2 }, c.count)
    assert.same({ -2, -1, 0.5 }, c.min)
    assert.same({ 0, 3, 3 }, c.max)
    assert.near(math.sqrt(2.75 / 4), c.std[1], 1e-15)
  end)

  it("have row sums", function()
    assert.same({ 3, 7 }, { diagnose.row_sums(ld.tensor { { 1, 2 }, { 3, 4 } }) })
    local low = diagnose.row_sums(x)
    assert.is_true(low ~= low)
  end)

  it("are symmetric when all columns are equal to 1e-6 of the largest weight", function()
    assert.is_true(diagnose.symmetric(ld.zeros { 4, 3 }))
    assert.is_true(diagnose.symmetric(ld.tensor { { 1, 1 }, { 2, 2 } }))
    assert.is_true(diagnose.symmetric(ld.tensor({ { 1, 1 + 1e-7 }, { 2, 2 } }, "f64")))
    assert.is_false(diagnose.symmetric(ld.tensor({ { 1, 1 + 1e-5 }, { 2, 2 } }, "f64")))
    assert.is_true(diagnose.symmetric(ld.tensor({ { 1, 1 + 1e-5 }, { 2, 2 } }, "f64"), 1e-4))
    assert.is_false(diagnose.symmetric(ld.zeros { 4, 1 }))
    assert.is_false(diagnose.symmetric(ld.full({ 4, 2 }, nan)))
  end)
end)

describe("fingerprints", function()
  local function values(o)
    local found = {}
    for _, f in ipairs(diagnose.fingerprints(o)) do found[f.name] = f end
    return found
  end

  it("have the constants of the catalogue", function()
    local floors = { [2] = .3133, [3] = .5515, [4] = .7437, [10] = 1.4611, [100] = 3.622 }
    for classes, floor in pairs(floors) do
      local f = values { family = "cross_entropy", classes = classes }
      assert.near(floor, f.double_softmax.value, 5e-4)
      assert.near(math.log(classes), f.uniform_guess.value, 1e-15)
    end
    local f = values { family = "cross_entropy", prior = { .5, .25, .25 }, wrong = .3552,
      smoothing = .1, classes = 3 }
    assert.near(1.5 * math.log(2), f.class_entropy.value, 1e-15)
    assert.near(5.7257, f.saturated.value, 1e-3) -- keras issue 2392
    local own, other = 1 - .1 + .1 / 3, .1 / 3
    assert.near(-own * math.log(own) - 2 * other * math.log(other), f.smoothing_floor.value, 1e-15)
    f = values { family = "binary", positive = .25, wrong = .1 }
    assert.near(.25 * .3133 + .75 * .6931, f.double_sigmoid.value, 1e-4)
    assert.near(-.25 * math.log(.25) - .75 * math.log(.75), f.binary_entropy.value, 1e-15)
    assert.near(math.log(2), f.binary_chance.value, 1e-15)
    assert.near(10, f.binary_saturated_torch.value, 1e-12)
    f = values { family = "squared", variance = 5928, mean_square = 2e4, conflict = 3 }
    assert.same({ 5928, 2e4, 3 }, { f.variance.value, f.mean_square.value,
      f.squared_conflict_floor.value })
    f = values { family = "absolute", mean_deviation = 2, mean_absolute = 5 }
    assert.same({ 2, 5 }, { f.mean_deviation.value, f.mean_absolute.value })
  end)

  it("leave out what is not known", function()
    assert.same({}, diagnose.fingerprints { family = "cross_entropy" })
    assert.same({}, diagnose.fingerprints { family = "squared", variance = nan })
  end)

  it("match within 3 standard errors or 0.3 %, and nothing that got below", function()
    local function matched(o)
      o.family, o.variance = "squared", 100
      return values(o).variance.matched
    end
    assert.is_true(matched { mean = 100.29 })
    assert.is_false(matched { mean = 100.31 })
    assert.is_true(matched { mean = 102, se = 1 })
    assert.is_true(matched { mean = 100, lowest = 99.8 })
    assert.is_false(matched { mean = 100, lowest = 99 })
    assert.is_true(matched { mean = 100, lowest = 99, block_sd = .5 })
    assert.is_false(matched {})
    assert.is_false(matched { mean = nan })
  end)

  it("say what they mean, and refuse unknown options", function()
    assert.matches("inputs are ignored",
      values({ family = "cross_entropy", prior = { .5, .5 } }).class_entropy.text)
    fails("'family'", diagnose.fingerprints, {})
    fails("unknown option 'var'", diagnose.fingerprints, { family = "squared", var = 1 })
    fails("expected a table", diagnose.fingerprints)
  end)
end)
