-- What accuracies and R2 beside a loss add to what a bare curve says, and what one that falls by
-- orders of magnitude must not be taken for.
local curve = require "lossdbg.diagnose.curve"

local function noise(i) return math.sin(i * 12.9898) end

local function series(n, fn)
  local y = {}
  for i = 1, n do y[i] = fn(i) end
  return y
end

local function judge(loss, history, facts)
  local h = { loss = loss }
  for name, list in pairs(history or {}) do h[name] = list end
  return curve.judge({ history = h, axis = "epoch" }, facts)
end

local function settling(n, from, to)
  return series(n, function(i) return to + (from - to) * math.exp(-i / 2) end)
end

local function flat(n, value) return series(n, function() return value end) end

describe("R2 beside a loss", function()
  local loss = settling(40, 3, 1)

  it("under 0.1 is nothing learnt, however far the loss fell", function()
    local d = judge(loss, { r2 = series(40, function(i) return -2 * math.exp(-i / 2) end) })
    assert.equal("constant", d.state)
    assert.is_true(d.fault)
    local falling = series(40, function(i) return 97 - 0.9 * i end)
    d = judge(falling, { r2 = series(40, function(i) return -44 + 0.4 * i end) })
    assert.equal("too_slow", d.state)
    assert.is_true(d.fault)
  end)

  it("settled under 0.3 is a fault, above it nobody knows what the data allow", function()
    local function at(r2)
      return judge(loss, { r2 = series(40, function(i) return r2 - math.exp(-i / 2) end) })
    end
    assert.equal("plateau_after_progress", at(0.29).state)
    assert.is_true(at(0.29).fault)
    assert.equal("plateau_after_progress", at(0.31).state)
    assert.is_nil(at(0.31).fault)
    assert.equal("healthy", at(0.6).state)
    assert.is_false(at(0.6).fault)
  end)

  it("of a half makes a loss that stands learnt, not stuck: a first epoch may do it", function()
    local still = series(30, function(i) return 0.4 + 1e-4 * noise(i) end)
    assert.equal("constant", judge(still).state)
    assert.equal("healthy", judge(still, { r2 = flat(30, 0.55) }).state)
    assert.equal("constant", judge(still, { r2 = flat(30, 0.45) }).state)
  end)

  it("is the median of three epochs: one bad epoch is noise", function()
    local r2 = flat(40, 0.6)
    r2[40] = -3
    assert.equal("healthy", judge(loss, { r2 = r2 }).state)
    r2[39] = -3
    assert.equal("constant", judge(loss, { r2 = r2 }).state)
  end)
end)

describe("accuracy beside a loss", function()
  local falling = series(12, function(i) return 4.9 * math.exp(-i / 12) end)

  it("that hardly moves with most answers wrong contradicts a loss that falls by a third",
    function()
      local function with(last, loss)
        return judge(loss or falling, { accuracy = series(12, function(i)
          return 0.18 + (last - 0.18) * math.min(1, (i - 1) / 8)
        end) })
      end
      local d = with(0.2)
      assert.is_true(d.fault)
      assert.matches("accuracy stays at 0.2", d.text, 1, true)
      assert.is_false(with(0.3).fault)
      local less = series(12, function(i) return 4.9 * (1 - 0.27 * i / 12) end)
      assert.is_false(with(0.2, less).fault)
      -- most answers right: there is little left to move
      local right = judge(falling, { accuracy = flat(12, 0.9) })
      assert.is_false(right.fault)
    end)

  it("that is lost again while the loss falls is a fault", function()
    local y = series(30, function(i) return 1.1 * math.exp(-i / 30) end)
    local function lost(share)
      return judge(y, { accuracy = series(30, function(i)
        return i <= 20 and 0.4 + 0.025 * i or 0.8 - share
      end) })
    end
    assert.is_true(lost(0.25).fault)
    assert.matches("while the loss falls, too", lost(0.25).text, 1, true)
    assert.is_false(lost(0.05).fault)
  end)

  it("that is the loss over 16.118, or 100, is a network with all outputs at 0 or 1", function()
    local wrong = { 0.644, 0.640, 0.636 }
    for _, constant in ipairs { 16.118, 100 } do
      local function of(factor)
        return judge(series(3, function(i) return constant * factor * wrong[i] end),
          { accuracy = series(3, function(i) return 1 - wrong[i] end) })
      end
      assert.equal("constant", of(1).state)
      assert.is_true(of(1.002).fault)
      assert.equal("cannot_tell", of(1.02).state)
    end
  end)

  it("beside a loss below zero: no loss of classes is negative", function()
    local y = series(20, function(i) return 0.5 - 0.3 * i end)
    assert.is_true(judge(y, { accuracy = flat(20, 0.1) }).fault)
    assert.is_false(judge(y).fault)
  end)

  it("of validation that stayed asks for twice the best loss before it alarms", function()
    local y = series(30, function(i) return 2 * math.exp(-i / 8) end)
    local function val(rise)
      return series(30, function(i)
        return i <= 10 and 2 - 0.1 * i or 1 + (rise - 1) * (i - 10) / 20
      end)
    end
    local function with(rise, last)
      return judge(y, { val_loss = val(rise), val_accuracy = series(30, function(i)
        return i <= 10 and 0.95 or last
      end) })
    end
    assert.is_nil(with(1.9, 0.94).fault)
    assert.is_true(with(2.1, 0.94).fault)
    assert.is_true(with(1.9, 0.90).fault)
  end)
end)

describe("orders of magnitude", function()
  it("that a loss falls by are no leaps from what it will be", function()
    for _, y in ipairs {
      series(200, function(i) return 47 * math.exp(-i / 8) end),
      series(400, function(i)
        return math.max(47 * math.exp(-i / 8), 1e-15 * 3 ^ (8 * noise(i)))
      end),
    } do
      assert.is_false(judge(y).fault)
    end
  end)

  it("that it leaps by from the points before are", function()
    local y = series(40, function(i) return 2 * math.exp(-i / 20) end)
    y[20], y[30] = 30, 30
    assert.equal("diverging", judge(y).state)
    y[20], y[30] = 5, 5
    assert.not_equal("diverging", judge(y).state)
  end)

  it("of swings around a fit are small batches, around a level they oscillate", function()
    local function around(level)
      return judge(series(30, function(i)
        return level * (1 + 0.7 * (i % 2 == 0 and 1 or -1)) + 2 * math.exp(1 - i)
      end))
    end
    assert.not_equal("oscillating", around(0.05).state)
    assert.equal("oscillating", around(0.2).state)
  end)
end)

describe("limits of what a curve shows", function()
  it("want half of the loss gone before a frozen accuracy contradicts it", function()
    local function with(from, to, n)
      return judge(series(n, function(i) return from + (to - from) * (i - 1) / (n - 1) end),
        { accuracy = flat(n, 0.6272) })
    end
    assert.is_true(with(0.4, 0.12, 15).fault)
    assert.is_false(with(0.17, 0.12, 15).fault)
    assert.is_false(with(0.4, 0.12, 7).fault) -- too few epochs
  end)

  it("take a tenth of the loss for hardly any", function()
    assert.is_true(judge(settling(40, 2, 1.75)).fault)
    assert.is_nil(judge(settling(40, 2, 1.6)).fault)
  end)

  it("count leaps from the level of the nine points before", function()
    local y = series(40, function(i) return 2 * math.exp(-i / 20) end)
    y[20], y[21] = 30, 30 -- the second leapt from the same level
    assert.equal("diverging", judge(y).state)
    y = series(80, function(i) return 47 * math.exp(-i / 8) end)
    y[30], y[36] = 25, 25 -- far above what is near, not above where it came from
    assert.equal("diverging", judge(y).state)
    y = series(80, function(i) return 2 * math.exp(-i / 8) end)
    y[60], y[70] = 0.03, 0.03 -- under 2 % of the start
    assert.not_equal("diverging", judge(y).state)
  end)

  it("want a twentieth of what was learnt lost again", function()
    local function back(to)
      return judge(series(40, function(i)
        return i <= 25 and 0.01 + 2 * math.exp(-i / 2) or 0.01 + (to - 0.01) * (i - 25) / 15
      end))
    end
    assert.not_equal("diverging", back(0.05).state)
    assert.equal("diverging", back(0.3).state)
  end)
end)

describe("a class count that nobody told", function()
  local floor = math.log(1 + 2 / math.exp(1)) -- two softmaxes, three classes

  it("fits a level only where the curve began as one of so many classes does", function()
    local function from(start, accuracy)
      return judge(series(60, function(i)
        return floor + (start - floor) * math.exp(-(i - 1) / 4)
      end), { accuracy = accuracy and flat(60, accuracy) })
    end
    assert.equal("double_softmax", from(1.0).causes[1].cause)
    assert.is_true(from(1.0).fault)
    assert.is_nil(from(0.7).fault)
    assert.is_true(from(1.0, 0.93).fault)
    assert.is_nil(from(1.0, 0.8).fault)
  end)

  it("settled at ln K learnt nothing", function()
    local d = judge(settling(30, 0.8, math.log(2)))
    assert.is_true(d.fault)
    assert.is_nil(judge(settling(30, 0.8, 0.67)).fault)
    assert.is_nil(judge(settling(30, 5, math.log(2))).fault) -- no two classes begin there
  end)
end)
