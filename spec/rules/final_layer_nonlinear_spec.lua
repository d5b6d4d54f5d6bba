local cases = require "spec.support.cases"

describe("rule final_layer_nonlinear", function()
  local id = "final_layer_nonlinear"

  local function before_softmax(inner)
    return cases.network(cases.wine_raw(), { cases.dense(1, 3, 13, inner),
      cases.layer("activation", { activation = "softmax" }) })
  end

  it("fires: a relu before the softmax", function()
    local state, f = cases.run(id, before_softmax "relu")
    assert.same({ "fires", "exact", "wrong_output_activation" }, { state, f.class, f.cause })
    assert.same({ output = { activation = "softmax" } }, f.fixes[1].patch)
  end)

  it("fires: a bounded activation before it, which leaves some room", function()
    local state, f = cases.run(id, before_softmax "tanh")
    assert.same({ "fires", "measured" }, { state, f.class })
  end)

  it("is silent: a leaky activation, or none", function()
    assert.equal("passes", (cases.run(id, before_softmax "leaky_relu")))
    assert.equal("passes", (cases.run(id, before_softmax())))
    assert.equal("passes", (cases.run(id, cases.regression())))
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)
end)
