local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule nan_in_data", function()
  local id = "nan_in_data"

  it("fires: NaN in the inputs, first row and column named", function()
    local state, f = cases.run(id, faulty.co2_gaps())
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("nan_in_data", f.cause)
  end)

  it("fires: NaN in the targets only", function()
    local case = with(cases.wine(), { signals = { data = { y = { nonfinite = { count = 2,
      row = 9, col = 1, value = math.huge } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("first inf in row 9, column 1", f.evidence[1].note)
    assert.equal("exact", f.class)
    assert.equal("nan_in_data", f.cause)
  end)

  it("is silent: finite data", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: data that was not audited", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { data = NONE } }))))
  end)

  it("is scale-free: a finite case", function()
    assert(cases.invariant(id, cases.wine()))
  end)

  it("is scale-free: a case with gaps", function()
    assert(cases.invariant(id, faulty.co2_gaps()))
  end)
end)
