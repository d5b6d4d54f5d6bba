local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule nonfinite_tensor", function()
  local id = "nonfinite_tensor"

  it("fires: a layer from step 6", function()
    local state, f = cases.run(id, faulty.diabetes_raw_y())
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.is_nil(f.cause)
  end)

  it("is silent: finite layers", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: nothing measured", function()
    local case = with(cases.wine(), { signals = { layers = NONE, init = NONE } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)
end)
