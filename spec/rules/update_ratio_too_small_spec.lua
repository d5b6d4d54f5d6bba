local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule update_ratio_too_small", function()
  local id = "update_ratio_too_small"

  it("fires: 360 steps of a millionth in a slow run", function()
    local case = with(faulty.sonar_slow(), { signals = { layers = { dense_2 = {
      ratio_median = 1e-6 }, dense_3 = { ratio_median = 2e-6 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_low", f.cause)
  end)

  it("is silent: steps of 1e-4", function()
    assert.equal("passes", (cases.run(id, faulty.sonar_slow())))
  end)

  it("is silent: a converged run", function()
    assert.equal("passes", (cases.run(id, cases.converged())))
  end)

  it("is silent: exact zeros, which other rules explain", function()
    assert.equal("passes", (cases.run(id, faulty.zero_lr())))
  end)

  it("cannot tell: ratios that were not measured", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { layers = NONE } }))))
  end)

  it("cannot tell: a run of five steps", function()
    assert.equal("unjudged", (cases.run(id, cases.short())))
  end)

  it("is scale-free: steps of a millionth", function()
    assert(cases.invariant(id, with(faulty.sonar_slow(), { signals = { layers = { dense_2 = {
      ratio_median = 1e-6 }, dense_3 = { ratio_median = 2e-6 } } } })))
  end)
end)
