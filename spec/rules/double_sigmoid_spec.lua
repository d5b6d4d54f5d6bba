local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule double_sigmoid", function()
  local id = "double_sigmoid"

  it("fires: sigmoid under a loss on logits", function()
    local case = cases.network(with(cases.wine(), { description = { loss = {
      name = "binary_crossentropy",
      from_logits = true } }, signals = { skill = { value = 0.27 }, data = { y = {
        kind = "zero_one", max = 1, classes = 2 } } } }),
      { cases.dense(1, 1, 13, "sigmoid") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("double_softmax", f.cause)
  end)

  it("is silent: sigmoid under a loss on probabilities", function()
    local case = cases.network(with(cases.wine(), { description = { loss = {
      name = "binary_crossentropy" } }, signals = { data = { y = { kind = "zero_one", max = 1,
        classes = 2 } } } }),
      { cases.dense(1, 1, 13, "sigmoid") })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: several classes", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: an unknown loss", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      loss = NONE } }))))
  end)
end)
