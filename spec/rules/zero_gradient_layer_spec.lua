local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule zero_gradient_layer", function()
  local id = "zero_gradient_layer"

  it("fires: a layer behind dead units", function()
    local state, f = cases.run(id, cases.wine_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("vanishing_gradient", f.cause)
  end)

  it("is silent: gradients everywhere", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a perfectly fitted network", function()
    assert.equal("passes", (cases.run(id, cases.perfect())))
  end)

  it("cannot tell: gradients that were not measured", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { layers = NONE } }))))
  end)

  it("is scale-free: a layer behind dead units", function()
    assert(cases.invariant(id, cases.wine_raw()))
  end)
end)
