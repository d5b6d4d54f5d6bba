local cases = require "spec.support.cases"
local with = cases.with

describe("rule loss_oscillating", function()
  local id = "loss_oscillating"

  it("fires: epochs that jump up and down", function()
    local case = with(cases.wine(), { signals = { epoch_loss = { 1, 2, 1, 2.2, 1, 2.1, 0.9, 2,
      1.1, 2 },
      trend = { verdict = "plateau" }, skill = { value = 0.1 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("lr_too_high", f.cause)
  end)

  it("is silent: a smooth fall", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: noise that falls", function()
    assert.equal("passes", (cases.run(id, cases.noisy())))
  end)

  it("is silent: jumps near zero", function()
    assert.equal("passes", (cases.run(id, cases.converged())))
  end)

  it("cannot tell: three epochs", function()
    local case = with(cases.wine(), { signals = { epoch_loss = { 1, 0.9, 0.8 } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("is scale-free: epochs that jump", function()
    assert(cases.invariant(id, with(cases.wine(), { signals = { epoch_loss = { 1, 2, 1, 2.2, 1,
      2.1, 0.9, 2, 1.1, 2 },
      trend = { verdict = "plateau" }, skill = { value = 0.1 } } })))
  end)
end)
