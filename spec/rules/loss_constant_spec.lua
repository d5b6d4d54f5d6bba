local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"

describe("rule loss_constant", function()
  local id = "loss_constant"

  it("fires: a loss that stays to the last digit", function()
    local state, f = cases.run(id, faulty.zero_lr())
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.is_nil(f.cause)
  end)

  it("is silent: a loss that moves", function()
    assert.equal("passes", (cases.run(id, cases.wine_raw())))
  end)

  it("is silent: zero after a perfect fit", function()
    assert.equal("passes", (cases.run(id, cases.perfect())))
  end)

  it("is silent: a converged run", function()
    assert.equal("passes", (cases.run(id, cases.converged())))
  end)

  it("cannot tell: one epoch", function()
    assert.equal("unjudged", (cases.run(id, cases.short())))
  end)

  it("is scale-free: a loss that stays", function()
    assert(cases.invariant(id, faulty.zero_lr()))
  end)
end)
