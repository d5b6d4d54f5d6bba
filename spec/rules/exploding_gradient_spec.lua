local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule exploding_gradient", function()
  local id = "exploding_gradient"

  it("fires: a norm that grows to 3e21", function()
    local state, f = cases.run(id, faulty.diabetes_raw_y())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("exploding_gradient", f.cause)
  end)

  it("is silent: one large first gradient, then none", function()
    assert.equal("passes", (cases.run(id, cases.wine_raw())))
  end)

  it("is silent: a run that learns", function()
    local case = with(cases.wine(), { signals = { grad_norm = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
      5000, 1 } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: steps that a watch slept through, which have no norm", function()
    local list = {}
    for i = 1, 240 do list[i] = i <= 32 and 1 + i % 3 or 0 / 0 end
    local case = with(cases.wine_raw(), { signals = { grad_norm = list } })
    assert.equal("passes", (cases.run(id, case)))
    list[32] = 5000
    list[5] = 0 / 0
    case = with(cases.wine_raw(), { signals = { grad_norm = list } })
    local state, f = cases.run(id, case)
    assert.same({ "fires", 32 }, { state, f.where.step }) -- the step, sleep counted in
  end)

  it("cannot tell: norms that were not measured", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = {
      grad_norm = NONE } }))))
  end)

  it("is scale-free: a norm that grows", function()
    assert(cases.invariant(id, faulty.diabetes_raw_y()))
  end)
end)
