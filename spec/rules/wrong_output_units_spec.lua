local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule wrong_output_units", function()
  local id = "wrong_output_units"

  it("fires: three units for five classes", function()
    local case = with(cases.wine(), { signals = { data = { y = { max = 4, classes = 5 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("wrong_output_units", f.cause)
  end)

  it("fires: two units for one real target", function()
    local case = cases.network(cases.regression(), { cases.dense(1, 16, 10, "relu"),
      cases.dense(2, 2, 16) })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("wrong_output_units", f.cause)
  end)

  it("is silent: three units for three classes", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: an image for an image, counted by all its values", function()
    local case = with(cases.regression(), { signals = { data = { y = { width = 64 } } },
      description = { output_shape = { 8, 8, 1 } } })
    assert.equal("passes", (cases.run(id, case)))
    case.signals.data.y.width = 32
    assert.equal("fires", (cases.run(id, case)))
  end)

  it("is silent: one unit for one target", function()
    assert.equal("passes", (cases.run(id, cases.regression())))
  end)

  it("is silent: 1-based ids, which are a matter of coding", function()
    local case = with(cases.wine(), { signals = { data = { y = { min = 1, max = 3 } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: real targets that nobody saw", function()
    assert.equal("unjudged", (cases.run(id, with(cases.regression(), {
      signals = { data = NONE } }))))
  end)

  it("does not judge a loss of the user's own, which may read its outputs in any way", function()
    local case = cases.with(cases.wine(), { description = { loss = { name = "custom" } } })
    assert.equal("skipped", (cases.run("wrong_output_units", case)))
    case.signals.data.y.classes = 4
    assert.equal("skipped", (cases.run("wrong_output_units", case)))
  end)
end)
