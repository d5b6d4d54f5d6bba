local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule constant_inputs", function()
  local id = "constant_inputs"

  it("fires: all features zero", function()
    local state, f = cases.run(id, faulty.zero_features())
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("constant_inputs", f.cause)
  end)

  it("fires: every column constant", function()
    local case = with(cases.wine(), { signals = { data = { x = { constant = { count = 13,
      share = 1 } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("constant_inputs", f.cause)
  end)

  it("is silent: one constant column of 34", function()
    assert.equal("passes", (cases.run(id, cases.ionosphere())))
  end)

  it("cannot tell: data that was not audited", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { data = NONE } }))))
  end)

  it("is scale-free: zero features", function()
    assert(cases.invariant(id, faulty.zero_features()))
  end)
end)
