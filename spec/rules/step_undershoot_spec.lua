local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with = cases.with

describe("rule step_undershoot", function()
  local id = "step_undershoot"

  it("fires: a best step of four in every probe of a slow run", function()
    local case = with(faulty.sonar_slow(), { signals = { tests = { line = { best = cases.flat(10,
      4), best_median = 4, losses = {
      { 1, 0.99, 0.98, 0.96, 0.92, 0.85 }, { 1, 0.99, 0.98, 0.96, 0.92, 0.85 }, { 1, 0.99, 0.98,
        0.96, 0.92, 0.85 } } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_low", f.cause)
  end)

  it("is silent: a best step of one", function()
    local case = with(faulty.sonar_slow(), { signals = { tests = { line = { best = cases.flat(10,
      1), best_median = 1, losses = {
      { 1, 0.97, 0.95, 0.93, 0.99, 1.3 }, { 1, 0.97, 0.95, 0.93, 0.99, 1.3 }, { 1, 0.97, 0.95,
        0.93, 0.99, 1.3 } } } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a run that has nothing left to gain", function()
    local case = with(cases.wine(), { signals = { tests = { line = { best = cases.flat(10, 4),
      best_median = 4, losses = {
      { 1, 0.99, 0.98, 0.96, 0.92, 0.85 }, { 1, 0.99, 0.98, 0.96, 0.92, 0.85 }, { 1, 0.99, 0.98,
        0.96, 0.92, 0.85 } } } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: no probes", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)

  it("is scale-free: a best step of four", function()
    assert(cases.invariant(id, with(faulty.sonar_slow(), { signals = { tests = { line = {
      best = cases.flat(10, 4), best_median = 4, losses = {
      { 1, 0.99, 0.98, 0.96, 0.92, 0.85 }, { 1, 0.99, 0.98, 0.96, 0.92, 0.85 }, { 1, 0.99, 0.98,
        0.96, 0.92, 0.85 } } } } } })))
  end)
end)
