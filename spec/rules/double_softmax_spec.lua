local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule double_softmax", function()
  local id = "double_softmax"

  it("fires: softmax under a loss on logits", function()
    local case = with(cases.wine(), { description = { loss = { from_logits = true } },
      signals = { skill = { value = 0.4 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("double_softmax", f.cause)
  end)

  it("is silent: logits under a loss on logits", function()
    local case = cases.network(with(cases.wine(), { description = { loss = {
      from_logits = true } } }),
      { cases.dense(1, 3, 13) })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: softmax under a loss on probabilities", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a regression", function()
    assert.equal("passes", (cases.run(id, cases.regression())))
  end)

  it("cannot tell: an unknown loss", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      loss = NONE } }))))
  end)
end)
