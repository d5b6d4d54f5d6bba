local cases = require "spec.support.cases"
local with = cases.with

describe("rule loss_ignores_prediction", function()
  local id = "loss_ignores_prediction"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: no change", function()
    local state, f = run {
      loop = { law = { ignores_prediction = true } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("loss_ignores_prediction", f.cause)
  end)

  it("is silent: a loss that depends on it", function()
    local state = run {
      loop = { law = { away = 0 } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: a loss of the library", function()
    local state = run {
      loop = { looks = 3 }
    }
    assert.equal("unjudged", state)
  end)
end)
