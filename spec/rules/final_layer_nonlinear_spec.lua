local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with = cases.with

describe("rule final_layer_nonlinear", function()
  local id = "final_layer_nonlinear"

  it("fires: a relu over negative targets in a failed run", function()
    local case = cases.network(with(faulty.lr_huge(), { description = { optimizer = {
      lr = 0.1 } } }),
      { cases.dense(1, 16, 10, "relu"), cases.dense(2, 1, 16, "relu") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("wrong_output_activation", f.cause)
  end)

  it("fires: a relu before the softmax in a failed run", function()
    local case = cases.network(cases.wine_raw(), { cases.dense(1, 3, 13, "relu"),
      cases.layer("activation", { activation = "softmax" }) })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("wrong_output_activation", f.cause)
  end)

  it("fires: a relu over positive targets that learns, as a remark", function()
    local case = cases.network(with(cases.regression(), { signals = { data = { y = { min = 0,
      max = 5 } } } }),
      { cases.dense(1, 1, 10, "relu") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("wrong_output_activation", f.cause)
  end)

  it("is silent: a linear output", function()
    assert.equal("passes", (cases.run(id, cases.regression())))
  end)

  it("is silent: a softmax output", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: no weights at all", function()
    assert.equal("unjudged", (cases.run(id, cases.network(cases.wine(), {
      cases.layer("flatten") }))))
  end)
end)
