local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule loss_negative", function()
  local id = "loss_negative"

  it("fires: a cross-entropy of -3", function()
    local state, f = cases.run(id, with(cases.wine(), { signals = { loss = { 1, 0.5, -3 } } }))
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("wrong_loss", f.cause)
  end)

  it("is silent: positive losses", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: zero", function()
    assert.equal("passes", (cases.run(id, cases.perfect())))
  end)

  it("does not apply: a loss that may be negative", function()
    local case = with(cases.wine(), { description = { loss = { name = "poisson" } } })
    assert.equal("skipped", (cases.run(id, case)))
  end)

  it("cannot tell: no loss", function()
    local case = with(cases.wine(), { signals = { loss = NONE, epoch_loss = NONE } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("is scale-free: a cross-entropy of -3", function()
    assert(cases.invariant(id, with(cases.wine(), { signals = { loss = { 1, 0.5, -3 } } })))
  end)
end)
