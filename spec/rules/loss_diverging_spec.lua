local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule loss_diverging", function()
  local id = "loss_diverging"

  it("fires: leaps up to 1e81", function()
    local state, f = cases.run(id, faulty.shuttle_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_high", f.cause)
  end)

  it("fires: steady growth", function()
    local case = with(cases.wine(), { signals = { trend = { verdict = "increasing", first = 1,
      best = 1, last = 9 }, skill = { value = -8, verdict = "worse" } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_high", f.cause)
  end)

  it("is silent: a large loss at the start only", function()
    assert.equal("passes", (cases.run(id, cases.wine_raw())))
  end)

  it("is silent: a falling loss", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: noise", function()
    assert.equal("passes", (cases.run(id, cases.noisy())))
  end)

  it("cannot tell: no loss", function()
    local case = with(cases.wine(), { signals = { loss = NONE, epoch_loss = NONE,
      trend = NONE } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("is scale-free: leaps", function()
    assert(cases.invariant(id, faulty.shuttle_raw()))
  end)
end)
