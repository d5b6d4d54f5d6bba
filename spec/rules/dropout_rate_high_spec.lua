local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule dropout_rate_high", function()
  local id = "dropout_rate_high"

  it("fires: 90 % dropped in a failed run", function()
    local case = cases.network(cases.wine_raw(), { cases.dense(1, 32, 13, "relu"),
      cases.layer("dropout", { rate = 0.9 }),
      cases.dense(3, 3, 32, "softmax") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("dropout_misuse", f.cause)
  end)

  it("fires: the same where it learns, as a warning", function()
    local case = cases.network(cases.wine(), { cases.dense(1, 32, 13, "relu"),
      cases.layer("dropout", { rate = 0.9 }),
      cases.dense(3, 3, 32, "softmax") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("dropout_misuse", f.cause)
  end)

  it("fires: 40 % of the inputs, as a remark", function()
    local case = cases.network(cases.wine(), { cases.layer("dropout", { rate = 0.4 }),
      cases.dense(2, 32, 13, "relu"),
      cases.dense(3, 3, 32, "softmax") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("dropout_misuse", f.cause)
  end)

  it("is silent: the usual 50 %", function()
    local case = cases.network(cases.wine_raw(), { cases.dense(1, 32, 13, "relu"),
      cases.layer("dropout", { rate = 0.5 }),
      cases.dense(3, 3, 32, "softmax") })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("does not apply: no dropout", function()
    assert.equal("skipped", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: unknown layers", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      layers = NONE } }))))
  end)
end)
