local cases = require "spec.support.cases"
local with = cases.with

describe("rule loss_points_away", function()
  local id = "loss_points_away"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: one entry in twenty", function()
    local state, f = run {
      loop = { law = { away = 0.05, below_perfect = 0.1 } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("gradient_sign_flipped", f.cause)
  end)

  it("is silent: fewer", function()
    local state = run {
      loop = { law = { away = 0.049, below_perfect = 0.1 } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: slopes away, but nothing below the loss of the target", function()
    local state = run {
      loop = { law = { away = 0.5, below_perfect = 0 } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: no law asked", function()
    local state = run {
      loop = { looks = 3 }
    }
    assert.equal("unjudged", state)
  end)
end)
