local cases = require "spec.support.cases"
local with = cases.with

describe("rule multiple_or_missing_init", function()
  local id = "multiple_or_missing_init"

  it("fires: a layer drawn anew in every step", function()
    local case = with(cases.wine_raw(), { description = { loop = { reinitialise = {
      "dense_2" } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("crit", f.severity)
    assert.equal("layer_reinitialised", f.cause)
  end)

  it("is silent: a usual loop", function()
    local case = with(cases.wine(), { description = { loop = { zero_grad = true } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: a loop nobody described", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
