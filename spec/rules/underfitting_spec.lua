local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule underfitting", function()
  local id = "underfitting"

  it("fires: settled at a skill of 0.2, as a warning", function()
    local case = with(cases.wine(), { signals = { trend = { verdict = "plateau" }, skill = {
      value = 0.2 }, val_skill = { value = 0.2 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("too_few_units", f.cause)
  end)

  it("is silent: settled at noise level with validation apart", function()
    assert.equal("passes", (cases.run(id, cases.regression())))
  end)

  it("is silent: still falling", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: an undecided trend", function()
    local case = with(cases.wine(), { signals = { trend = { verdict = "undetermined" } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("cannot tell: no trend", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { trend = NONE } }))))
  end)

  it("is scale-free: settled", function()
    assert(cases.invariant(id, with(cases.wine(), { signals = { trend = { verdict = "plateau" },
      skill = { value = 0.2 }, val_skill = { value = 0.2 } } })))
  end)
end)
