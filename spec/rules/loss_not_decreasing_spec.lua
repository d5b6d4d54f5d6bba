local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule loss_not_decreasing", function()
  local id = "loss_not_decreasing"

  it("fires: a plateau at the entropy", function()
    local state, f = cases.run(id, cases.wine_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.is_nil(f.cause)
  end)

  it("is silent: a falling loss", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a plateau after learning", function()
    assert.equal("passes", (cases.run(id, cases.converged())))
  end)

  it("cannot tell: an undecided trend in a short run", function()
    assert.equal("unjudged", (cases.run(id, cases.short())))
  end)

  it("cannot tell: no trend", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { trend = NONE } }))))
  end)

  it("is scale-free: a plateau", function()
    assert(cases.invariant(id, cases.wine_raw()))
  end)
end)
