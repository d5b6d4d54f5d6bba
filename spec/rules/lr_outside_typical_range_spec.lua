local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule lr_outside_typical_range", function()
  local id = "lr_outside_typical_range"

  it("fires: sgd at 100 with a loss of NaN", function()
    local state, f = cases.run(id, faulty.lr_huge())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_high", f.cause)
  end)

  it("fires: sgd at 1e-6 in a slow run", function()
    local case = with(faulty.sonar_slow(), { description = { optimizer = { lr = 1e-6 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_low", f.cause)
  end)

  it("fires: adam at 0.1 that learns, as a remark", function()
    local case = with(cases.wine(), { description = { optimizer = { name = "adam", lr = 0.1 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("lr_too_high", f.cause)
  end)

  it("is silent: sgd at 0.1", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("does not apply: an optimiser without a usual range", function()
    local case = with(cases.wine(), { description = { optimizer = { name = "own" } } })
    assert.equal("skipped", (cases.run(id, case)))
  end)

  it("cannot tell: an unknown optimiser", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      optimizer = NONE } }))))
  end)
end)
