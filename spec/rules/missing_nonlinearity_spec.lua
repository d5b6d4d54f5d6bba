local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule missing_nonlinearity", function()
  local id = "missing_nonlinearity"

  it("fires: two linear layers in a row in a run stuck half way", function()
    local case = cases.network(with(cases.wine(), { signals = { skill = { value = 0.3 },
      accuracy = 0.6, trend = { verdict = "plateau", last = 0.76 }, loss = NONE,
      epoch_loss = NONE } }), { cases.dense(1, 32,
        13), cases.layer("dropout", { rate = 0.1 }),
      cases.dense(3, 3, 32, "softmax") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("missing_nonlinearity", f.cause)
  end)

  it("fires: the same where it learns, as a remark", function()
    local case = cases.network(cases.wine(), { cases.dense(1, 32, 13), cases.dense(2, 3, 32,
      "softmax") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("missing_nonlinearity", f.cause)
  end)

  it("is silent: a relu between", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: the activation as a layer of its own", function()
    local case = cases.network(cases.wine(), { cases.dense(1, 32, 13), cases.layer("activation",
      { activation = "relu" }),
      cases.dense(3, 3, 32, "softmax") })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: max-pooling between", function()
    local case = cases.network(cases.wine(), { cases.dense(1, 32, 13),
      cases.layer("max_pooling1d"),
      cases.dense(3, 3, 32, "softmax") })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a single layer", function()
    local case = cases.network(cases.wine(), { cases.dense(1, 3, 13, "softmax") })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: unknown layers", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      layers = NONE } }))))
  end)
end)
