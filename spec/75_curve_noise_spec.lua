-- Noise of batches, losses that begin at 0 or end below it, and settling far below the start: what
-- must not be taken for leaps, swings, falls or a stop half way; limits on both sides.
local curve = require "lossdbg.diagnose.curve"
local shape = require "lossdbg.diagnose.curve.shape"

local function series(n, fn)
  local y = {}
  for i = 1, n do y[i] = fn(i) end
  return y
end

-- Uniform numbers of a generator with known constants (Park and Miller 1988), the same everywhere.
local function uniform(seed)
  local state = seed
  return function()
    state = state * 16807 % 2147483647
    return state / 2147483647
  end
end

local function judge(y, axis, given)
  given = given or {}
  return curve.judge({ history = { loss = y, accuracy = given.accuracy }, axis = axis or "epoch" },
    given.facts)
end

describe("noise of single rows", function()
  -- a loss of one row a batch is about exponential: ten times its median is met now and then
  local draw = uniform(11)
  local y = series(1000, function(i)
    return -math.log(draw()) * (1.2 * math.exp(-i / 300) + 0.3)
  end)

  it("does not leap", function()
    assert.equal(0, shape.of(y, "step").leaps)
    assert.not_equal("diverging", judge(y, "step").state)
  end)

  it("hides a leap up to four robust deviations, none where points are quiet", function()
    -- the median of the nine before is 1, and that of the deviations log(factor)
    local function loud(factor, leap)
      local list = series(200, function(i) return factor ^ (i % 3 - 1) end)
      list[100], list[150] = leap, leap
      return shape.of(list, "step").leaps
    end
    local least = math.exp(4 * 1.4826 * math.log(2))
    assert.equal(0, loud(2, 0.95 * least))
    assert.equal(2, loud(2, 1.05 * least))
    assert.equal(0, loud(1.01, 9.8))
    assert.equal(2, loud(1.01, 10.2))
  end)
end)

describe("swings", function()
  it("of blocks of steps are those that the noise within them does not explain", function()
    local function last(noise, wave) -- 400 steps in blocks of ten
      local draw = uniform(5)
      return shape.of(series(400, function(i)
        return 1 - noise * (1 + math.log(draw())) + wave * ((i - 1) // 10 % 2 * 2 - 1)
      end), "step").verdict
    end
    assert.not_equal("swinging", last(0.95, 0))
    assert.equal("swinging", last(0.1, 0.3))
  end)

  it("of epochs are taken as they are", function()
    local draw = uniform(3)
    local y = series(100, function() return math.exp(1.4 * (2 * draw() - 1)) end)
    assert.equal("swinging", shape.of(y, "epoch").verdict)
  end)
end)

describe("a fall within its noise and without a trend", function()
  it("is none", function()
    local draw = uniform(2)
    local y = series(40, function(i) return i == 1 and 1.14 or 1 + 0.1 * (2 * draw() - 1) end)
    assert.equal("constant", judge(y).state)
    y[1] = 1.5 -- beyond three deviations
    assert.not_equal("constant", judge(y).state)
  end)
end)

describe("a loss", function()
  it("that begins at 0 falls by what it came", function()
    assert.equal("falling", shape.of(series(30, function(i) return 1 - i end), "epoch").verdict)
    assert.equal(0, shape.of(series(9, function() return 0 end), "epoch").fall)
  end)

  it("below 0 that settled far from its start is healthy", function()
    local y = series(60, function(i) return -0.3 - 0.6 * (1 - math.exp(-i / 8)) end)
    assert.equal("healthy", judge(y).state)
  end)
end)

describe("what settled far below its start", function()
  local function settled(share, points, accuracy)
    local y = series(40, function(i)
      return 10 * (share + (1 - share) * math.exp(-(i - 1) / points))
    end)
    return judge(y, "epoch", { accuracy = accuracy and series(40, accuracy) })
  end

  it("is done where it lost 0.65, point by point", function()
    assert.equal("healthy", settled(0.34, 4).state)
    assert.equal("plateau_after_progress", settled(0.36, 4).state)
    assert.equal("plateau_after_progress", settled(0.34, 0.5).state) -- one point on the way
  end)

  it("is a stop half way where the accuracy learnt nothing", function()
    local flat = function(i) return 0.6 + 5e-4 * i end
    assert.equal("plateau_after_progress", settled(0.34, 4, flat).state)
    assert.equal("healthy", settled(0.34, 4, function(i) return 0.3 + 0.005 * i end).state)
    assert.equal("healthy", settled(0.34, 4, function() return 0.95 end).state)
  end)
end)

describe("hardly anything lost", function()
  it("is no fault where the accuracy rose by a twentieth", function()
    local function fault(gain)
      local y = series(60, function(i) return 2 - 0.15 * (1 - math.exp(-i / 4)) end)
      return judge(y, "epoch", { accuracy = series(60, function(i)
        return 0.55 + gain * (1 - math.exp(-i / 4))
      end) }).fault
    end
    assert.is_true(fault(0.02))
    assert.is_nil(fault(0.15))
  end)
end)

describe("the floor of two softmaxes", function()
  it("without accuracies is one where nothing moves any more", function()
    local floor = math.log(1 + 2 / math.exp(1))
    local function fault(noise)
      return judge(series(60, function(i)
        return floor + 0.6 * math.exp(-i / 4) + noise * math.sin(i * 12.9898)
      end)).fault
    end
    assert.is_true(fault(0.002))
    assert.is_nil(fault(0.005))
  end)
end)

describe("losses that play against each other", function()
  local function opened(first, second)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write("step," .. first .. "," .. second .. "\n")
    for i = 1, 30 do file:write(("%d,%g,%g\n"):format(i, 2 + i, 0.5)) end
    file:close()
    local run = assert(require("lossdbg").open(path))
    os.remove(path)
    return curve.judge(run, run.facts)
  end

  it("are not judged by a curve", function()
    for _, pair in ipairs { { "loss_d", "loss_g" }, { "actor_loss", "critic_loss" } } do
      local d = opened(pair[1], pair[2])
      assert.equal("cannot_tell", d.state)
      assert.is_nil(d.fault)
      assert.matches(pair[1] .. " and " .. pair[2], d.text, 1, true)
    end
    assert.equal("diverging", opened("cls_loss", "value").state) -- parts of one sum
  end)
end)
