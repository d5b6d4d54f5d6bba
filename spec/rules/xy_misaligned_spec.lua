local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule xy_misaligned", function()
  local id = "xy_misaligned"

  it("fires: a loop that shuffles only the inputs", function()
    local case = with(cases.wine(), { description = { loop = { shuffle = "x_only" } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("crit", f.severity)
    assert.equal("misaligned_labels", f.cause)
  end)

  it("fires: targets that fit one row away", function()
    local case = with(cases.wine(), { signals = { tests = { alignment = { shift = 1, skill = 0.8,
      skill_zero = 0.01, se = 0.02 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("crit", f.severity)
    assert.equal("misaligned_labels", f.cause)
  end)

  it("is silent: a loop that shuffles both", function()
    local case = with(cases.wine(), { description = { loop = { shuffle = "both" } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a usual fit", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: a loop of the user", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      epochs = NONE } }))))
  end)
end)
