-- Random numbers: Philox against published words, distributions against their distribution
-- functions (Kolmogorov and Smirnov), streams against each other.
local ld = require "lossdbg"
local random = require("lossdbg.core").random

local N = 100000
local KS_LIMIT = 1.95 -- sqrt(n) D is above this with probability 0.001

-- Phi(x) by Abramowitz and Stegun 7.1.26, |error| < 1.5e-7: independent of the core's erf.
local function phi(x)
  local z = math.abs(x) / math.sqrt(2)
  local t = 1 / (1 + 0.3275911 * z)
  local tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027
    + t * 1.061405429)))) * math.exp(-z * z)
  return x >= 0 and 1 - tail / 2 or tail / 2
end

local function ks(values, cdf)
  table.sort(values)
  local n, worst = #values, 0
  for i, x in ipairs(values) do
    local p = cdf(x)
    worst = math.max(worst, i / n - p, p - (i - 1) / n)
  end
  return worst * math.sqrt(n)
end

local function draw(fill, dtype, seed, stream, ...)
  return fill(ld.zeros(N, dtype), seed, stream, ...)
end

describe("philox", function()
  it("gives the words of Random123's kat_vectors", function()
    assert.same({ 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 }, { random.block(0, 0, 0) })
    assert.same({ 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd }, { random.block(-1, -1, -1) })
    assert.same({ 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 },
      { random.block(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) })
  end)

  it("makes uniforms of the first 53 bits of two words", function()
    local x = random.uniform(ld.zeros(4, "f64"), 11, 12)
    for i = 0, 3 do
      local words = { random.block(11, 12, i // 2) }
      local high, low = words[i % 2 * 2 + 1], words[i % 2 * 2 + 2]
      assert.equal(((high << 32 | low) >> 11) * 2.0 ^ -53, x[i + 1])
    end
  end)
end)

describe("distributions", function()
  for _, dtype in ipairs { "f32", "f64" } do
    it("uniform follows (x - low) / (high - low), " .. dtype, function()
      local x = draw(random.uniform, dtype, 1, 2, -3, 5):totable()
      assert.is_true(ks(x, function(v) return (v + 3) / 8 end) < KS_LIMIT)
      assert.is_true(x[1] >= -3 and x[N] < 5)
    end)

    it("normal follows Phi((x - mean) / std), " .. dtype, function()
      local x = draw(random.normal, dtype, 3, 4, 2, 0.5):totable()
      assert.is_true(ks(x, function(v) return phi((v - 2) / 0.5) end) < KS_LIMIT)
    end)

    it("truncated_normal follows the normal cut at 2 std, " .. dtype, function()
      local x = draw(random.truncated_normal, dtype, 5, 6, 1, 0.1):totable()
      local low, width = phi(-2), phi(2) - phi(-2)
      assert.is_true(ks(x, function(v) return (phi((v - 1) / 0.1) - low) / width end) < KS_LIMIT)
      assert.is_true(x[1] >= 0.8 - 1e-7 and x[N] <= 1.2 + 1e-7)
    end)
  end

  it("uniform stays below high when rounding to f32 would reach it", function()
    local x = random.uniform(ld.zeros(N), 1, 1, 1, 1 + 2 ^ -22)
    assert.is_true(x:max():item() < 1 + 2 ^ -22)
    assert.equal(1, x:min():item())
  end)

  it("gives every order of five things equally often", function()
    local counts, ids, draws = {}, ld.zeros(5, "i32"), 12000
    for stream = 1, draws do
      local key = table.concat(random.permutation(ids, 9, stream):totable(), " ")
      counts[key] = (counts[key] or 0) + 1
    end
    local chi, kinds = 0, 0
    for _, n in pairs(counts) do
      chi, kinds = chi + (n - draws / 120) ^ 2 / (draws / 120), kinds + 1
    end
    assert.equal(120, kinds)
    assert.is_true(chi < 172.7) -- chi-square, 119 degrees of freedom, p = 0.001
  end)

  it("permutes 0 .. n-1, also for n = 0 and 1", function()
    local seen = {}
    for _, id in ipairs(random.permutation(ld.zeros(1000, "i32"), 1, 2):totable()) do
      seen[id] = true
    end
    for id = 0, 999 do assert.is_true(seen[id]) end
    assert.same({ 0 }, random.permutation(ld.zeros(1, "i32"), 1, 2):totable())
    assert.same({}, random.permutation(ld.zeros(0, "i32"), 1, 2):totable())
  end)
end)

describe("streams", function()
  local function correlation(a, b)
    local sum = 0
    for i = 1, N do sum = sum + (a[i] - 0.5) * (b[i] - 0.5) end
    return sum / N * 12
  end

  it("do not correlate with each other, with other seeds, or shifted", function()
    local base = draw(random.uniform, "f64", 7, random.stream("init", 1, 0)):totable()
    local others = {
      { 7, random.stream("init", 2, 0) }, { 7, random.stream("init", 1, 1) },
      { 7, random.stream("dropout", 1, 0) }, { 8, random.stream("init", 1, 0) },
      { 7, random.stream("init", 0, 1) },
    }
    for _, key in ipairs(others) do
      local other = draw(random.uniform, "f64", key[1], key[2]):totable()
      assert.is_true(math.abs(correlation(base, other)) < 4 / math.sqrt(N))
    end
    local shifted = table.move(base, 2, N, 1, {})
    shifted[N] = 0.5
    assert.is_true(math.abs(correlation(base, shifted)) < 4 / math.sqrt(N))
  end)

  it("have different numbers for different purposes and places", function()
    local seen = {}
    for _, purpose in ipairs { "", "init", "inis", "shuffle", "dropout", "init/dense_1/kernel" } do
      for a = -5, 50 do
        for b = 0, 20 do
          local id = random.stream(purpose, a, b)
          assert.is_nil(seen[id])
          seen[id] = true
        end
      end
    end
  end)

  it("give the same bits again, and the same beginning at any length", function()
    for _, name in ipairs { "uniform", "normal", "truncated_normal" } do
      local long = random[name](ld.zeros(101, "f64"), 3, 9):totable()
      for _, n in ipairs { 1, 2, 7, 100 } do
        local short = random[name](ld.zeros(n, "f64"), 3, 9):totable()
        for i = 1, n do assert.equal(long[i], short[i]) end
      end
    end
  end)

  it("round the same numbers to f32", function()
    for _, name in ipairs { "uniform", "normal", "truncated_normal" } do
      local wide = random[name](ld.zeros(500, "f64"), 3, 9)
      local narrow = random[name](ld.zeros(500, "f32"), 3, 9)
      assert.same(wide:cast("f32"):totable(), narrow:totable())
    end
  end)
end)

describe("misuse", function()
  local t = ld.zeros(3)
  local cases = {
    { "expected a tensor", function() random.uniform({}, 1, 2) end },
    { "f32 or f64", function() random.normal(ld.zeros(3, "i32"), 1, 2) end },
    { "expected an integer", function() random.uniform(t, 1.5, 2) end },
    { "'stream'", function() random.uniform(t, 1) end },
    { "'high'", function() random.uniform(t, 1, 2, 1, 0) end },
    { "'low': expected a finite number", function() random.uniform(t, 1, 2, 0 / 0, 0) end },
    { "too wide", function() random.uniform(t, 1, 2, -1.7e308, 1.7e308) end },
    { "'std'", function() random.normal(t, 1, 2, 0, -1) end },
    { "dtype i32", function() random.permutation(t, 1, 2) end },
    { "contiguous", function() random.uniform(ld.zeros { 3, 2 }:transpose(), 1, 2) end },
    { "'purpose'", function() random.stream(3) end },
  }
  for _, case in ipairs(cases) do
    it("says " .. case[1], function()
      local ok, message = pcall(case[2])
      assert.is_false(ok)
      assert.is_truthy(message:find(case[1], 1, true), message)
      assert.same({ 0, 0, 0 }, t:totable())
    end)
  end
end)
