local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule redundant_activation", function()
  local id = "redundant_activation"

  it("fires: relu twice", function()
    local case = cases.network(cases.wine_raw(), { cases.dense(1, 32, 13, "relu"),
      cases.layer("activation", { activation = "relu" }),
      cases.dense(3, 3, 32, "softmax") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("wrong_output_activation", f.cause)
  end)

  it("is silent: one activation each", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: unknown layers", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      layers = NONE } }))))
  end)
end)
