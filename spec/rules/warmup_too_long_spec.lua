local cases = require "spec.support.cases"
local with = cases.with

-- Rates of 40 steps, from nothing to the last.
local function rising(last)
  local list = {}
  for i = 1, 40 do list[i] = last == 0 and 1 or last * i / 40 end
  return list
end

local function falling(last)
  local list = rising(last)
  for i = 20, 30 do list[i] = last * (40 - i) / 40 end
  return list
end

describe("rule warmup_too_long", function()
  local id = "warmup_too_long"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: half the rate at the end", function()
    local state, f = run {
      lr = rising(0.49), loop = { named_lr = 1 }, outside = { gain = 0.21 }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lost", f.part)
    assert.equal("warmup_too_long", f.cause)
  end)

  it("is silent: a rate that is reached", function()
    local state = run {
      lr = rising(0.5), loop = { named_lr = 1 }
    }
    assert.equal("passes", state)
  end)

  it("is silent: a constant one", function()
    local state = run {
      lr = rising(0), loop = { named_lr = 1 }
    }
    assert.equal("passes", state)
  end)

  it("is silent: one that falls again", function()
    local state = run {
      lr = falling(0.49), loop = { named_lr = 1 }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)
end)
