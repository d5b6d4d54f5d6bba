local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule missing_regularisation", function()
  local id = "missing_regularisation"

  it("fires: overfitting without any penalty, as a remark", function()
    local case = with(cases.wine(), { signals = { val_loss = { 1, 0.6, 0.5, 0.45, 0.47, 0.5,
      0.55, 0.58, 0.63, 0.7, 0.74, 0.8 },
      epoch_loss = cases.curve(12, 1, 0.02) } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("missing_regularisation", f.cause)
  end)

  it("is silent: overfitting with dropout", function()
    local case = cases.network(with(cases.wine(), { signals = { val_loss = { 1, 0.6, 0.5, 0.45,
      0.47, 0.5, 0.55, 0.58, 0.63, 0.7, 0.74, 0.8 },
      epoch_loss = cases.curve(12, 1, 0.02) } }), { cases.dense(1, 32, 13, "relu"),
        cases.layer("dropout", { rate = 0.3 }),
      cases.dense(3, 3, 32, "softmax") })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: no overfitting", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: no validation", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = {
      val_loss = NONE } }))))
  end)
end)
