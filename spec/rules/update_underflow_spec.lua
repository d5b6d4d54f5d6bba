local cases = require "spec.support.cases"
local with = cases.with

describe("rule update_underflow", function()
  local id = "update_underflow"

  it("fires: 95 % of the updates lost in a failed run", function()
    local case = with(cases.wine_raw(), { signals = { layers = { dense_2 = {
      underflow = 0.95 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_low", f.cause)
  end)

  it("is silent: updates that arrive", function()
    local case = with(cases.wine_raw(), { signals = { layers = { dense_2 = {
      underflow = 0.01 } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a converged run", function()
    local case = with(cases.converged(), { signals = { layers = { dense_2 = {
      underflow = 0.95 } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: losses by rounding that were not counted", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
