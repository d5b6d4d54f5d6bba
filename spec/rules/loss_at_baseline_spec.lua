local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule loss_at_baseline", function()
  local id = "loss_at_baseline"

  it("fires: the entropy of the classes", function()
    local state, f = cases.run(id, cases.wine_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.is_nil(f.cause)
  end)

  it("fires: a slow run, as a warning", function()
    local state, f = cases.run(id, faulty.sonar_slow())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.is_nil(f.cause)
  end)

  it("is silent: a skill of 0.98", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: half of the variance explained", function()
    assert.equal("passes", (cases.run(id, cases.regression())))
  end)

  it("cannot tell: five steps", function()
    assert.equal("unjudged", (cases.run(id, cases.short())))
  end)

  it("cannot tell: no baseline", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { skill = NONE } }))))
  end)

  it("is scale-free: the entropy", function()
    assert(cases.invariant(id, cases.wine_raw()))
  end)
end)
