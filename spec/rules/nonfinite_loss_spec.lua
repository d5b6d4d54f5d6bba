local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule nonfinite_loss", function()
  local id = "nonfinite_loss"

  it("fires: NaN", function()
    local state, f = cases.run(id, faulty.diabetes_raw_y())
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lr_too_high", f.cause)
  end)

  it("is silent: finite losses", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a loss of exactly zero", function()
    assert.equal("passes", (cases.run(id, cases.perfect())))
  end)

  it("cannot tell: no loss", function()
    local case = with(cases.wine(), { signals = { loss = NONE, epoch_loss = NONE,
      final = NONE } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("is scale-free: NaN", function()
    assert(cases.invariant(id, faulty.diabetes_raw_y()))
  end)
end)
