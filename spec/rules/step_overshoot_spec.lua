local cases = require "spec.support.cases"
local with = cases.with

describe("rule step_overshoot", function()
  local id = "step_overshoot"

  it("fires: a best step of zero in every probe of a failed run", function()
    local case = with(cases.wine_raw(), { signals = { tests = { line = { best = cases.flat(10,
      0), best_median = 0, losses = {
      { 1, 1.2, 1.5, 3, 9, 40 }, { 1, 1.2, 1.5, 3, 9, 40 }, { 1, 1.2, 1.5, 3, 9, 40 } } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_high", f.cause)
  end)

  it("is silent: a best step of one", function()
    local case = with(cases.wine(), { signals = { tests = { line = { best = cases.flat(10, 1),
      best_median = 1, losses = {
      { 1, 0.97, 0.95, 0.93, 0.99, 1.3 }, { 1, 0.97, 0.95, 0.93, 0.99, 1.3 }, { 1, 0.97, 0.95,
        0.93, 0.99, 1.3 } } } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: overshoot while the loss falls", function()
    local case = with(cases.wine(), { signals = { tests = { line = { best = cases.flat(10, 0),
      best_median = 0, losses = {
      { 1, 1.2, 1.5, 3, 9, 40 }, { 1, 1.2, 1.5, 3, 9, 40 }, { 1, 1.2, 1.5, 3, 9, 40 } } } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: steps that do not move the loss", function()
    local case = with(cases.wine_raw(), { signals = { tests = { line = { best = cases.flat(10,
      0), best_median = 0, losses = {
      { 1, 1, 1, 1, 1, 1 }, { 1, 1, 1, 1, 1, 1 }, { 1, 1, 1, 1, 1, 1 } } } } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("cannot tell: no probes", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)

  it("is scale-free: a best step of zero", function()
    assert(cases.invariant(id, with(cases.wine_raw(), { signals = { tests = { line = {
      best = cases.flat(10, 0), best_median = 0, losses = {
      { 1, 1.2, 1.5, 3, 9, 40 }, { 1, 1.2, 1.5, 3, 9, 40 }, { 1, 1.2, 1.5, 3, 9, 40 } } } } } })))
  end)
end)
