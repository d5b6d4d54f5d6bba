local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule class_imbalance", function()
  local id = "class_imbalance"

  it("fires: 78 % in one class and collapsed answers", function()
    local state, f = cases.run(id, faulty.shuttle_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("class_imbalance", f.cause)
  end)

  it("fires: uneven classes in a run that learns, as a remark", function()
    local case = with(cases.wine(), { signals = { data = { n = 1000, y = { counts = { [0] = 960,
      30, 10 } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("class_imbalance", f.cause)
  end)

  it("is silent: even classes", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a small sample of many classes", function()
    local case = with(cases.wine(), { signals = { data = { n = 60, y = {
      counts = { [0] = 10, 9, 8, 7, 6, 5, 5, 4, 4, 2 } } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("does not apply: a regression", function()
    local case = with(cases.regression(), { signals = { data = { y = { counts = {
      [0] = 1 } } } } })
    assert.equal("skipped", (cases.run(id, case)))
  end)

  it("cannot tell: labels that were not counted", function()
    local case = with(cases.wine(), { signals = { data = { y = { counts = NONE } } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)
end)
