local cases = require "spec.support.cases"
local with = cases.with

describe("rule data_exhausted", function()
  local id = "data_exhausted"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: two empty passes where room is left", function()
    local state, f = run {
      loop = { asked_again = 2 }, skill = { value = 0.5 }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("data_exhausted", f.cause)
  end)

  it("is silent: one look whether more is there", function()
    local state = run {
      loop = { asked_again = 1 }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)
end)
