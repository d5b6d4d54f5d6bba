local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule output_constant", function()
  local id = "output_constant"

  it("fires: the same answer for every row", function()
    local state, f = cases.run(id, cases.wine_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.is_nil(f.cause)
  end)

  it("is silent: answers that differ", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: answers that were not measured", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { final = NONE } }))))
  end)

  it("is scale-free: the same answer", function()
    assert(cases.invariant(id, cases.wine_raw()))
  end)
end)
