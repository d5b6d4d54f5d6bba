-- The arithmetic of diagnosis against closed forms, counts by plain loops, and error rates on
-- generated series.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local generate = require "series"
local diagnose = require("lossdbg.core").diagnose

local function fails(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(tostring(message):find(pattern, 1, true), message)
end

describe("trend", function()
  it("has the z of Mann and Kendall: monotone series of 20", function()
    local list = {}
    for i = 1, 20 do list[i] = 100 - 3 * i end
    local t = diagnose.trend(list, { block = 1 })
    assert.near(-189 / math.sqrt(950), t.z, 1e-12)
    assert.equal("decreasing", t.verdict)
    for i = 1, 20 do list[i] = i end
    t = diagnose.trend(list, { block = 1 })
    assert.near(189 / math.sqrt(950), t.z, 1e-12)
    assert.equal("increasing", t.verdict)
    assert.near(1 / 10.5, t.slope, 1e-12) -- 1 a block over the median 10.5
  end)

  it("corrects Var S for ties", function()
    local t = diagnose.trend({ 1, 1, 2, 2, 2, 3, 4, 5 }, { block = 1 })
    -- S = 28 pairs - 1 - 3 ties; 18 Var = 8 7 21 - 2 1 9 - 3 2 11
    assert.near(23 / math.sqrt((1176 - 18 - 66) / 18), t.z, 1e-12)
  end)

  it("calls a constant loss a plateau", function()
    local list = {}
    for i = 1, 150 do list[i] = 1.0879 end
    local t = diagnose.trend(list)
    assert.same({ "plateau", 0, 0, 0 }, { t.verdict, t.z, t.slope, t.se })
    assert.near(1.0879, t.level, 1e-12)
    assert.is_nil(t.more_steps)
  end)

  local function rates(slope, cv, runs, length)
    local counts = { decreasing = 0, increasing = 0, plateau = 0, undetermined = 0 }
    local noise = generate.normal(20261123)
    for _ = 1, runs do
      local t = diagnose.trend(generate.decay(noise, length or 200, slope, cv))
      counts[t.verdict] = counts[t.verdict] + 1 / runs
    end
    return counts
  end

  -- Monte Carlo of the catalogue (2000 runs x 1000 steps, loss = exp(-s t) with log-normal noise):
  -- share of checks without a significant decrease: 0.99 on a true plateau, 0.00 at 0.1 % a step,
  -- 0.83 at 0.02 % with noise 0.1, of which 0.009 are called a plateau.
  for _, cv in ipairs { 0.02, 0.1, 0.3 } do
    it("errs in 1 % of true plateaus, noise " .. cv, function()
      local share = rates(0, cv, 2000)
      assert.is_true(share.decreasing < 0.018 and share.increasing < 0.018)
    end)
  end

  for _, row in ipairs { { 0.001, 0.02 }, { 0.001, 0.1 }, { 0.005, 0.1 }, { 0.005, 0.3 } } do
    it(("sees a decrease of %g a step under noise %g"):format(row[1], row[2]), function()
      local share = rates(row[1], row[2], 500)
      assert.is_true(share.decreasing > 0.99)
      assert.equal(0, share.plateau)
    end)
  end

  it("does not judge what it cannot see", function()
    local share = rates(0.0002, 0.1, 2000)
    assert.near(0.17, share.decreasing, 0.04)
    assert.is_true(share.plateau < 0.02)
    assert.is_true(share.undetermined > 0.75)
  end)

  it("recognises a long plateau as one", function()
    -- 200 blocks of 100 steps, noise 2 %: the standard error of the slope is far under 1 %/100
    assert.is_true(rates(0, 0.02, 100, 4000).plateau > 0.9)
  end)

  it("says how many steps would do: (12 (3.61 CV / s)^2)^(1/3)", function()
    local t = diagnose.trend(generate.decay(generate.normal(3), 200, 0.0002, 0.1))
    assert.equal("undetermined", t.verdict)
    local wanted = (12 * (3.61 * t.noise_cv / 1e-4) ^ 2) ^ (1 / 3)
    assert.equal(math.ceil(wanted - t.blocks * t.block), t.more_steps)
    assert.near(0.1, t.noise_cv, 0.03)
  end)

  it("does not depend on the scale of the loss", function()
    local list = generate.decay(generate.normal(5), 300, 0.0003, 0.05)
    local base = diagnose.trend(list)
    for _, factor in ipairs { 2.0 ^ -80, 2.0 ^ 90 } do
      local scaled = {}
      for i, v in ipairs(list) do scaled[i] = v * factor end
      local t = diagnose.trend(scaled)
      assert.equal(base.verdict, t.verdict)
      assert.near(base.z, t.z, 1e-12)
      assert.near(base.slope, t.slope, 1e-12)
      assert.near(base.fastest, t.fastest, 1e-12)
      assert.near(base.noise_cv, t.noise_cv, 1e-12)
    end
  end)

  it("measures the decrease against the excess over the floor", function()
    local list = generate.decay(generate.normal(6), 4000, 0, 0.02)
    for i, v in ipairs(list) do list[i] = 1 + v / 1000 end
    assert.is_true(diagnose.trend(list).stalled)
    local above = diagnose.trend(list, { floor = 1 })
    assert.near(diagnose.trend(list).fastest * 1001, above.fastest, 0.01 * math.abs(above.fastest))
  end)

  it("makes blocks longer when neighbours correlate", function()
    local noise, x, list = generate.normal(8), 0, {}
    for i = 1, 2000 do
      x = 0.99 * x + 0.01 * noise()
      list[i] = 1 + x
    end
    assert.is_true(diagnose.trend(list).block > 10)
  end)

  it("needs six blocks, and stops at the first broken value", function()
    local t = diagnose.trend({ 3, 2, 1 }, { block = 1 })
    assert.same({ "undetermined", 3 }, { t.verdict, t.more_steps })
    t = diagnose.trend({ 5, 4, 3, 2, 1, 0.5, 0.25, 0 / 0, 9 }, { block = 1 })
    assert.same({ "decreasing", 8, 0.25 }, { t.verdict, t.nonfinite, t.last })
    assert.equal("undetermined", diagnose.trend({ 0 / 0, 1 }).verdict)
    assert.equal("undetermined", diagnose.trend({}).verdict)
  end)

  it("takes tensors", function()
    local list = generate.decay(generate.normal(5), 300, 0.0003, 0.05)
    assert.same(diagnose.trend(list), diagnose.trend(ld.tensor(list, "f64")))
  end)
end)

describe("student's p", function()
  it("has its closed forms for 1, 2 and 4 degrees of freedom", function()
    for _, t in ipairs { 0, 0.1, 1, 2.5, -3, 40 } do
      local a = math.abs(t)
      assert.near(1 - 2 / math.pi * math.atan(a), diagnose.student_p(t, 1), 1e-12)
      assert.near(1 - a / math.sqrt(2 + t * t), diagnose.student_p(t, 2), 1e-12)
      local u = 1 + t * t / 4
      assert.near(1 - 3 / 4 * a / math.sqrt(u) * (1 - t * t / (12 * u)),
        diagnose.student_p(t, 4), 1e-12)
    end
  end)

  it("becomes the normal's for many", function()
    assert.near(0.05, diagnose.student_p(1.959963984540054, 1e7), 1e-7)
    assert.near(0.975, diagnose.normal_cdf(1.959963984540054), 1e-15)
  end)
end)

describe("paired tests", function()
  it("give the t of the differences", function()
    local r = diagnose.paired_t({ 2, 4, 6, 8, 10 }, { 1, 2, 3, 4, 5 })
    assert.same({ 5, 3 }, { r.n, r.mean })
    assert.near(math.sqrt(2.5), r.sd, 1e-15)
    assert.near(3 / math.sqrt(0.5), r.t, 1e-14)
    assert.near(0.01324, r.p, 5e-6) -- tables: t = 4.243, 4 degrees of freedom
  end)

  it("know what to say without spread or data", function()
    assert.same({ 0, 1 }, (function()
      local r = diagnose.paired_t({ 1, 2 }, { 1, 2 })
      return { r.t, r.p }
    end)())
    assert.equal(-math.huge, diagnose.paired_t({ 1, 2 }, { 2, 3 }).t)
    local one = diagnose.paired_t({ 1 }, { 2 })
    assert.is_true(one.t ~= one.t and one.mean == -1)
  end)

  it("count signs with the binomial", function()
    local r = diagnose.sign_test({ 1, 1, 1, 1, 1, 7 }, { 2, 2, 2, 2, 2, 7 })
    assert.same({ 5, 0, 1 }, { r.less, r.greater, r.ties })
    assert.near(1 / 32, r.p_less, 1e-12)
    assert.near(1 / 16, r.p, 1e-12)
    r = diagnose.sign_test({ 0, 0, 0, 0, 0, 0, 0, 9, 9, 9 }, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 })
    assert.near((120 + 45 + 10 + 1) / 1024, r.p_less, 1e-12) -- P(X >= 7), n = 10
  end)

  it("rank with ties", function()
    local rho = diagnose.spearman({ 1, 2, 3, 4, 5 }, { 2, 1, 4, 3, 5 })
    assert.near(1 - 6 * 4 / (5 * 24), rho, 1e-15)
    rho = diagnose.spearman({ 1, 2, 2, 3 }, { 10, 20, 30, 40 }) -- ranks 1 2.5 2.5 4
    assert.near(4.5 / math.sqrt(4.5 * 5), rho, 1e-15)
    assert.equal(-1, (diagnose.spearman({ 1, 2, 3 }, { 3, 2, 1 })))
    local none = diagnose.spearman({ 1, 1 }, { 1, 2 })
    assert.is_true(none ~= none)
  end)

  it("take medians", function()
    assert.same({ 3, 1 }, { diagnose.median { 5, 3, 2, 4, 1 } }) -- distances 2 1 0 1 2
    assert.same({ 2.5, 1 }, { diagnose.median { 4, 1, 2, 3 } })
    assert.is_nil((diagnose.median {}))
  end)

  it("measure skill against the best constant answer", function()
    local noise, ours, base = generate.normal(2), {}, {}
    for i = 1, 300 do base[i] = 1 + 0.2 * noise() end
    for i = 1, 300 do ours[i] = base[i] * 0.9 end
    local r = diagnose.skill(ours, base)
    assert.equal("better", r.verdict)
    assert.near(0.1, r.value, 1e-12)
    assert.equal("worse", diagnose.skill(base, ours).verdict)
    for i = 1, 300 do ours[i] = base[i] + 0.01 * noise() end
    assert.equal("at_baseline", diagnose.skill(ours, base).verdict)
    assert.equal("undetermined", diagnose.skill({ 1, 2 }, { 2, 1 }).verdict)
  end)
end)

describe("misuse", function()
  local cases = {
    { "unknown option 'blocks'", function() diagnose.trend({ 1 }, { blocks = 3 }) end },
    { "'block'", function() diagnose.trend({ 1 }, { block = 0 }) end },
    { "6 to 64 blocks", function() diagnose.trend({ 1 }, { window = 65 }) end },
    { "'delta'", function() diagnose.trend({ 1 }, { delta = 0 }) end },
    { "expected a number, got NaN", function() diagnose.trend({ 1 }, { floor = 0 / 0 }) end },
    { "a list of numbers", function() diagnose.trend("x") end },
    { "a number at place 2", function() diagnose.trend { 1, "x" } end },
    { "expected 2 numbers as in 'a'", function() diagnose.paired_t({ 1, 2 }, { 1 }) end },
    { "NaN at place 1", function() diagnose.median { 0 / 0 } end },
    { "NaN at place 2", function() diagnose.spearman({ 1, 2 }, { 1, 0 / 0 }) end },
  }
  for _, case in ipairs(cases) do
    it("says " .. case[1], function() fails(case[1], case[2]) end)
  end
end)
