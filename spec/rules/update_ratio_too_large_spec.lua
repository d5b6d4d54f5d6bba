local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule update_ratio_too_large", function()
  local id = "update_ratio_too_large"

  it("fires: one step of 80 times the weights in a failed run", function()
    local state, f = cases.run(id, cases.wine_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_high", f.cause)
  end)

  it("fires: steps of half the weights in a failed run", function()
    local case = with(cases.wine_raw(), { signals = { layers = { dense_2 = {
      ratio = cases.flat(30, 0.5) } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_high", f.cause)
  end)

  it("fires: steps of a tenth where it learns, as a remark", function()
    local case = with(cases.wine(), { signals = { layers = { dense_2 = { ratio = cases.flat(30,
      0.1) } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("lr_too_high", f.cause)
  end)

  it("is silent: steps of a thousandth", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: no step at all", function()
    assert.equal("passes", (cases.run(id, cases.perfect())))
  end)

  it("cannot tell: ratios that were not measured", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { layers = NONE } }))))
  end)

  it("cannot tell: a run of two steps", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { steps = 2 } }))))
  end)

  it("is scale-free: one large step", function()
    assert(cases.invariant(id, cases.wine_raw()))
  end)
end)
