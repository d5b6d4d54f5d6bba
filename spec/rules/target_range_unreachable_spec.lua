local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule target_range_unreachable", function()
  local id = "target_range_unreachable"

  it("fires: a sigmoid for targets to 346 in a failed run", function()
    local case = cases.network(faulty.diabetes_raw(), { cases.dense(1, 1, 10, "sigmoid") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("output_range_mismatch", f.cause)
  end)

  it("fires: tanh for targets of -1.65 to 2.5 that learns, as a warning", function()
    local case = cases.network(cases.regression(), { cases.dense(1, 1, 10, "tanh") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("output_range_mismatch", f.cause)
  end)

  it("is silent: a linear output", function()
    assert.equal("passes", (cases.run(id, cases.regression())))
  end)

  it("is silent: a sigmoid for shares", function()
    local case = cases.network(with(cases.regression(), { signals = { data = { y = { min = 0,
      max = 1 } } } }),
      { cases.dense(1, 1, 10, "sigmoid") })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("does not apply: classes", function()
    assert.equal("skipped", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: data that was not audited", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { data = NONE } }))))
  end)
end)
