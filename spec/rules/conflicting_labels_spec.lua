local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule conflicting_labels", function()
  local id = "conflicting_labels"

  it("fires: a floor of 60 % of the entropy in a failed run", function()
    local case = with(cases.wine_raw(), { signals = { data = { conflicts = { share = 0.8,
      floor = 0.65 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("uninformative_labels", f.cause)
  end)

  it("fires: a floor of 10 % in a run that learns, as a remark", function()
    local case = with(cases.wine(), { signals = { data = { conflicts = { share = 0.2,
      floor = 0.11 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("uninformative_labels", f.cause)
  end)

  it("is silent: rows without contradiction", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: an unknown baseline", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = {
      baseline = NONE } }))))
  end)

  it("is scale-free: a floor of 60 %", function()
    assert(cases.invariant(id, with(cases.wine_raw(), { signals = { data = { conflicts = {
      share = 0.8, floor = 0.65 } } } })))
  end)
end)
