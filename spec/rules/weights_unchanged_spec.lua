local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule weights_unchanged", function()
  local id = "weights_unchanged"

  it("fires: no weight that moved", function()
    local state, f = cases.run(id, faulty.zero_lr())
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("parameters_not_in_optimizer", f.cause)
  end)

  it("is silent: weights that move", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a perfectly fitted network", function()
    assert.equal("passes", (cases.run(id, cases.perfect())))
  end)

  it("is silent: one layer that moves", function()
    assert.equal("passes", (cases.run(id, faulty.zero_init())))
  end)

  it("cannot tell: updates that were not measured", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { layers = NONE } }))))
  end)

  it("is scale-free: no weight that moved", function()
    assert(cases.invariant(id, faulty.zero_lr()))
  end)
end)
