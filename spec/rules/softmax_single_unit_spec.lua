local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule softmax_single_unit", function()
  local id = "softmax_single_unit"

  it("fires: softmax over one unit", function()
    local case = cases.network(cases.wine(), { cases.dense(1, 32, 13, "relu"), cases.dense(2, 1,
      32, "softmax") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("softmax_single_unit", f.cause)
  end)

  it("fires: the same as a layer of its own", function()
    local case = cases.network(cases.wine(), { cases.dense(1, 1, 13), cases.layer("activation", {
      activation = "softmax" }) })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("softmax_single_unit", f.cause)
  end)

  it("is silent: softmax over three", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: sigmoid over one", function()
    local case = cases.network(cases.wine(), { cases.dense(1, 1, 13, "sigmoid") })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: unknown layers", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      layers = NONE } }))))
  end)
end)
