--- Limits of how a recorded loss moved, on both sides. Series are made so that one limit decides.
local curve = require "lossdbg.diagnose.curve"
local shape = require "lossdbg.diagnose.curve.shape"

-- Values from a to b in n equal steps, a not included, appended.
local function line(list, n, a, b)
  for i = 1, n do list[#list + 1] = a + (b - a) * i / n end
  return list
end

local function repeated(list, n, cycle)
  for i = 1, n do list[#list + 1] = cycle[(i - 1) % #cycle + 1] end
  return list
end

local function of(y) return shape.of(y, "epoch") end
local function verdict(y) return of(y).verdict end

describe("where a curve begins", function()
  it("is behind a point ten times the next", function()
    assert.equal(1, of(line({ 10.1, 1 }, 10, 1, 0.5)).blown)
    assert.equal(0, of(line({ 9.9, 1 }, 10, 1, 0.5)).blown)
  end)

  local function shrinking(first, last, wobble)
    local y = {}
    for i = 0, 9 do
      y[i + 1] = first * (last / first) ^ (i / 9) * math.exp((wobble or 0) * (i % 2 * 2 - 1))
    end
    return of(y).shrinks_back
  end

  it("was blown up where it shrinks by one factor over decades, from huge to huge", function()
    assert.is_true(shrinking(1e7, 1001))
    assert.is_false(shrinking(1e7, 999))
    assert.is_true(shrinking(2000 * 1001, 2000))
    assert.is_false(shrinking(2000 * 999, 2000))
    assert.is_true(shrinking(1e7, 2000, 0.1)) -- r2 = 0.9988
    assert.is_false(shrinking(1e7, 2000, 0.6)) -- r2 = 0.958
  end)
end)

describe("a curve rises", function()
  it("by a tenth above its start, in its last third", function()
    assert.equal("rising", verdict(line({ 1 }, 9, 1, 1.11)))
    assert.equal("still", verdict(line({ 1 }, 9, 1, 1.09)))
    -- up early, and then only to and fro: Mann and Kendall's z is 0.36
    assert.equal("still", verdict(repeated(line({ 1 }, 19, 1, 1.3), 10, { 1.299, 1.301 })))
  end)

  it("to twice its best and more", function()
    local function back(to) return repeated(line(line({ 10 }, 19, 10, 1), 7, 1, to), 3, { to }) end
    assert.equal("rising", verdict(back(2.05)))
    assert.not_equal("rising", verdict(back(1.95)))
  end)

  it("by a twentieth of what was learnt", function()
    local function back(to)
      return repeated(line(line({ 100 }, 19, 100, 1), 7, 1, to), 3, { to })
    end
    assert.equal("rising", verdict(back(6.05)))
    assert.not_equal("rising", verdict(back(5.85)))
  end)
end)

describe("a curve stands still", function()
  local function ends(cycle) return of(repeated(line({ 3 }, 8, 3, 1.5), 10, cycle)) end

  it("within rounding of single precision", function()
    assert.is_true(ends({ 1, 1 + 0.9e-6 }).still)
    assert.is_false(ends({ 1, 1 + 1.1e-6 }).still)
  end)

  it("abruptly where its last move was a thousandth", function()
    local function stop(from) return of(repeated({ 3, 2.5, 2, 1.5, from }, 10, { 1 })).abrupt end
    assert.is_true(stop(1.0011))
    assert.is_false(stop(1.0009))
  end)
end)

describe("the last third of a curve", function()
  it("crawls on where it has its share of a small fall", function()
    local function small(tail)
      return verdict(line(line({ 1 }, 20, 1, 0.964), 9, 0.964, 0.964 - tail))
    end
    assert.equal("crawling", small(0.008))
    assert.equal("still", small(0.004))
  end)

  it("falls by a fiftieth of its level, or has settled", function()
    local function tail(share)
      return verdict(line(line({ 4 }, 20, 4, 1), 9, 1, 1 - share))
    end
    assert.equal("falling", tail(0.022))
    assert.equal("settled", tail(0.018))
  end)

  it("has not settled where its noise would hide a fall of a twentieth", function()
    local function noisy(a) -- 1.645 standard errors are 2.015 a
      return verdict(repeated(line({ 4 }, 19, 4, 1.05), 10, { 1 + a, 1 - a }))
    end
    assert.equal("settled", noisy(0.024))
    assert.equal("falling", noisy(0.026))
  end)
end)

describe("a curve leaps", function()
  it("from the nine points before", function()
    local y = repeated(repeated(repeated({ 2 }, 59, { 1 }), 20, { 5 }), 1, { 40 })
    assert.equal(0, of(y).leaps)
    y[#y] = 51
    assert.equal(1, of(y).leaps)
  end)
end)

describe("a curve swings", function()
  -- Forty points: from a start down to a level, and a second half of cycles.
  local function swings(start, level, cycle)
    return verdict(repeated(line({ start }, 19, start, level), 20, cycle)) == "swinging"
  end

  it("above what is a fit", function()
    assert.is_true(swings(10, 1.2, { 1.6, 0.8 }))
    assert.is_false(swings(10, 0.9, { 1.2, 0.6 }))
  end)

  it("by moves that count beside its start", function()
    local cycle = { 1.86, 1.5, 1.51, 1.5 } -- mean move 0.185
    assert.is_true(swings(9, 1.5, cycle))
    assert.is_false(swings(10, 1.5, cycle))
  end)

  it("where a quarter of its moves are rises by a fifth", function()
    assert.is_true(swings(2, 1.5, { 1.86, 1.5, 1.51, 1.5 }))
    assert.is_false(swings(2, 1.5, { 1.86, 1.5, 1.51, 1.5, 1.51, 1.5 }))
  end)

  it("to and fro in half of them", function()
    assert.is_true(swings(10, 2, { 2.5, 2, 3, 2 }))
    assert.is_false(swings(10, 2, { 2.5, 3.2, 4, 5, 6.3, 2 }))
  end)
end)

describe("whether a curve is a fault", function()
  local function judged(history) return curve.judge { history = history } end

  local function settled(from, to)
    local y = {}
    for i = 0, 39 do y[i + 1] = to + (from - to) * math.exp(-i / 3) end
    return y
  end

  it("depends on the skill it settled at: 0.3", function()
    local function at(r2)
      local list = {}
      for i = 1, 40 do list[i] = r2 end
      local c = judged { loss = settled(1, 0.6), r2 = list }
      assert.equal("plateau_after_progress", c.state)
      return c.fault
    end
    assert.is_true(at(0.29))
    assert.is_nil(at(0.31))
  end)

  it("depends on the share that was lost before it settled: a tenth", function()
    local function lost(share)
      local c = judged { loss = settled(3.7, 3.7 * (1 - share)) }
      assert.equal("plateau_after_progress", c.state)
      return c.fault
    end
    assert.is_true(lost(0.095))
    assert.is_nil(lost(0.105))
  end)

  it("depends on the rise of validation loss, twice where accuracy stays", function()
    local function overfits(rise, accuracy_lost)
      local loss, val, accuracy = settled(1, 0.01), {}, {}
      for i = 1, 40 do
        val[i] = i <= 10 and 1 - 0.05 * i or 0.5 * (1 + (rise - 1) * (i - 10) / 30)
        accuracy[i] = i <= 10 and 0.8 or 0.8 - accuracy_lost
      end
      local c = judged { loss = loss, val_loss = val, val_accuracy = accuracy }
      assert.equal("overfitting", c.state)
      return c.fault
    end
    assert.is_true(overfits(2.05, 0))
    assert.is_nil(overfits(1.95, 0))
    assert.is_nil(overfits(1.5, 0.029))
    assert.is_true(overfits(1.5, 0.031))
  end)
end)
