local cases = require "spec.support.cases"
local with = cases.with

describe("rule adam_epsilon_dominates", function()
  local id = "adam_epsilon_dominates"

  it("fires: an epsilon of 0.1 that governs a failed run", function()
    local case = with(cases.wine_raw(), { description = { optimizer = { name = "adam",
      epsilon = 0.1 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("adam_epsilon_too_small", f.cause)
  end)

  it("fires: an epsilon of 1e-16 in a failed run", function()
    local case = with(cases.wine_raw(), { description = { optimizer = { name = "adam",
      epsilon = 1e-16 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("adam_epsilon_too_small", f.cause)
  end)

  it("fires: an epsilon of 1 where it learns, as a remark", function()
    local case = with(cases.wine(), { description = { optimizer = { name = "adam",
      epsilon = 1 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("adam_epsilon_too_small", f.cause)
  end)

  it("is silent: the default", function()
    local case = with(cases.wine(), { description = { optimizer = { name = "adam",
      epsilon = 1e-7 } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("does not apply: plain descent", function()
    assert.equal("skipped", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: an unknown epsilon", function()
    local case = with(cases.wine(), { description = { optimizer = { name = "adam" } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)
end)
