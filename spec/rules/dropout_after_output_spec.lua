local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule dropout_after_output", function()
  local id = "dropout_after_output"

  it("fires: dropout behind the softmax of a failed run", function()
    local case = cases.network(cases.wine_raw(), { cases.dense(1, 32, 13, "relu"),
      cases.dense(2, 3, 32, "softmax"), cases.layer("dropout", { rate = 0.2 }) })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("dropout_misuse", f.cause)
  end)

  it("fires: the same where it learns, as a warning", function()
    local case = cases.network(cases.wine(), { cases.dense(1, 32, 13, "relu"),
      cases.dense(2, 3, 32, "softmax"), cases.layer("dropout", { rate = 0.2 }) })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("dropout_misuse", f.cause)
  end)

  it("is silent: dropout between the layers", function()
    local case = cases.network(cases.wine_raw(), { cases.dense(1, 32, 13, "relu"),
      cases.layer("dropout", { rate = 0.2 }),
      cases.dense(3, 3, 32, "softmax") })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a rate of zero", function()
    local case = cases.network(cases.wine_raw(), { cases.dense(1, 32, 13, "relu"),
      cases.dense(2, 3, 32, "softmax"), cases.layer("dropout", { rate = 0 }) })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: unknown layers", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      layers = NONE } }))))
  end)
end)
