local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule unshuffled_data", function()
  local id = "unshuffled_data"

  it("fires: sorted rows without shuffling in a failed run", function()
    local case = with(cases.wine_raw(), { description = { shuffle = false }, signals = { data = {
      y = { runs_z = -11 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("unshuffled_data", f.cause)
  end)

  it("fires: the same in a run that learns, as a warning", function()
    local case = with(cases.wine(), { description = { shuffle = false }, signals = { data = {
      y = { runs_z = -11 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("unshuffled_data", f.cause)
  end)

  it("is silent: sorted rows that are shuffled", function()
    local case = with(cases.wine(), { signals = { data = { y = { runs_z = -11 } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: mixed rows", function()
    assert.equal("passes", (cases.run(id, with(cases.wine(), { description = {
      shuffle = false } }))))
  end)

  it("cannot tell: an unknown order", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      shuffle = NONE } }))))
  end)

  it("is scale-free: sorted rows", function()
    assert(cases.invariant(id, with(cases.wine_raw(), { description = { shuffle = false },
      signals = { data = { y = { runs_z = -11 } } } })))
  end)
end)
