local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule lr_zero_or_schedule_collapsed", function()
  local id = "lr_zero_or_schedule_collapsed"

  it("fires: a rate of zero", function()
    local state, f = cases.run(id, faulty.zero_lr())
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lr_too_low", f.cause)
  end)

  it("fires: a schedule that collapses in the first tenth", function()
    local case = with(cases.wine_raw(), { signals = { lr = (function()
      local list = cases.flat(150, 1e-9)
      for i = 1, 10 do list[i] = 0.1 end
      return list
    end)() } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_low", f.cause)
  end)

  it("is silent: a constant rate", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a cosine that falls at the end", function()
    local case = with(cases.wine(), { signals = { lr = cases.curve(150, 0.1, 0.001) } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: a schedule whose rates were not recorded", function()
    local case = with(cases.wine(), { description = { optimizer = { schedule = {
      name = "cosine" } } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("cannot tell: an unknown optimiser", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      optimizer = NONE } }))))
  end)

  it("is scale-free: a rate of zero", function()
    assert(cases.invariant(id, faulty.zero_lr()))
  end)
end)
