local cases = require "spec.support.cases"
local with = cases.with

describe("rule average_lags", function()
  local id = "average_lags"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: less than half of the way", function()
    local state, f = run {
      loop = { travelled = 0.49 }, outside = { gain = 0.21 }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lost", f.part)
    assert.equal("ema_not_caught_up", f.cause)
  end)

  it("is silent: half of the way", function()
    local state = run {
      loop = { travelled = 0.5 }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: no average", function()
    local state = run {
      loop = { looks = 3 }
    }
    assert.equal("unjudged", state)
  end)
end)
