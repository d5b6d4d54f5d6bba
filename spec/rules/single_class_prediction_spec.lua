local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule single_class_prediction", function()
  local id = "single_class_prediction"

  it("fires: one class for every row", function()
    local state, f = cases.run(id, cases.wine_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.is_nil(f.cause)
  end)

  it("is silent: answers as frequent as the classes", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a class that holds 90 % of the rows", function()
    assert.equal("passes", (cases.run(id, with(cases.wine_raw(), { signals = {
      majority = 0.9 } }))))
  end)

  it("does not apply: a regression", function()
    local case = with(cases.regression(), { signals = { final = { output = {
      single_class_share = 1 } } } })
    assert.equal("skipped", (cases.run(id, case)))
  end)

  it("cannot tell: answers that were not measured", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { final = NONE } }))))
  end)

  it("is scale-free: one class", function()
    assert(cases.invariant(id, cases.wine_raw()))
  end)
end)
