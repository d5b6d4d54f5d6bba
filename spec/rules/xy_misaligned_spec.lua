local cases = require "spec.support.cases"
local with = cases.with

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

  it("cannot tell: a usual fit without tests", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
