local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule shape_broadcast", function()
  local id = "shape_broadcast"

  it("fires: prediction [N, 1] against target [N]", function()
    local case = with(cases.wine(), { description = { loss = { broadcast = true } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("shape_broadcast", f.cause)
  end)

  it("is silent: equal shapes", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: an unknown loss", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      loss = NONE } }))))
  end)
end)
