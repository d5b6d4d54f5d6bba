local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule softmax_hidden_activation", function()
  local id = "softmax_hidden_activation"

  it("fires: a hidden softmax in a failed run", function()
    local case = cases.network(cases.wine_raw(), { cases.dense(1, 32, 13, "softmax"),
      cases.dense(2, 3, 32, "softmax") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("softmax_hidden_activation", f.cause)
  end)

  it("fires: the same where it learns, as a warning", function()
    local case = cases.network(cases.wine(), { cases.dense(1, 32, 13, "softmax"), cases.dense(2,
      3, 32, "softmax") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("softmax_hidden_activation", f.cause)
  end)

  it("is silent: softmax in the last layer only", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: unknown layers", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      layers = NONE } }))))
  end)
end)
