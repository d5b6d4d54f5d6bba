local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule loss_sum_reduction", function()
  local id = "loss_sum_reduction"

  it("fires: a summed loss in a failed run", function()
    local case = with(cases.wine_raw(), { description = { loss = { reduction = "sum" } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("loss_sum_reduction", f.cause)
  end)

  it("fires: the same where it learns, as a remark", function()
    local case = with(cases.wine(), { description = { loss = { reduction = "sum" } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("loss_sum_reduction", f.cause)
  end)

  it("is silent: a mean", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: an unknown loss", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      loss = NONE } }))))
  end)
end)
