local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"

describe("rule loss_still_falling", function()
  local id = "loss_still_falling"

  it("fires: a run that still falls, as a remark", function()
    local state, f = cases.run(id, cases.noisy())
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("too_few_epochs", f.cause)
  end)

  it("fires: the same with little learnt, as a warning", function()
    local state, f = cases.run(id, faulty.permuted())
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("too_few_epochs", f.cause)
  end)

  it("is silent: nothing left to gain", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a plateau", function()
    assert.equal("passes", (cases.run(id, cases.wine_raw())))
  end)

  it("cannot tell: an undecided trend", function()
    assert.equal("unjudged", (cases.run(id, cases.short())))
  end)

  it("is scale-free: a run that still falls", function()
    assert(cases.invariant(id, cases.noisy()))
  end)
end)
