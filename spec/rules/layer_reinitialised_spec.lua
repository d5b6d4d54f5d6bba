local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule layer_reinitialised", function()
  local id = "layer_reinitialised"

  it("fires: a layer drawn anew in every step", function()
    local case = with(cases.wine_raw(), { description = { loop = { reinitialise = {
      "dense_2" } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("layer_reinitialised", f.cause)
  end)

  it("is silent: a usual loop", function()
    local case = with(cases.wine(), { description = { loop = { zero_grad = true } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: a loop of the user", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      epochs = NONE } }))))
  end)
end)
