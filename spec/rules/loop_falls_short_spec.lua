local cases = require "spec.support.cases"
local with = cases.with

describe("rule loop_falls_short", function()
  local id = "loop_falls_short"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: over a fifth of the baseline", function()
    local state, f = run {
      outside = { gain = 0.21, reference = { skill = 0.9 } }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lost", f.part)
  end)

  it("fires: above what the steps say", function()
    local state, f = run {
      outside = { gap = 0.21 }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lost", f.part)
  end)

  it("is silent: a fifth", function()
    local state = run {
      outside = { gain = 0.2, gap = 0.2 }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: a plain fit was not possible", function()
    local state, why = run { outside = { reference = { why = "no time was left" } } }
    assert.same({ "unjudged", "cannot tell: no time was left" }, { state, why })
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)
end)
