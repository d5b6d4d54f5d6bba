local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule saturating_hidden_activation", function()
  local id = "saturating_hidden_activation"

  it("fires: 99 % of the sigmoid units in a failed run", function()
    local state, f = cases.run(id, faulty.sigmoid_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("saturating_hidden_activation", f.cause)
  end)

  it("is silent: units in their slope", function()
    local case = with(faulty.sigmoid_raw(), { signals = { final = { layers = { dense_2 = {
      saturated_share = 0.1 } } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("does not apply: rectified units", function()
    assert.equal("skipped", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: activations that were not measured", function()
    local case = with(cases.wine(), { signals = { final = NONE, init = NONE } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("is scale-free: saturated units", function()
    assert(cases.invariant(id, faulty.sigmoid_raw()))
  end)
end)
