local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule target_range_unreachable", function()
  local id = "target_range_unreachable"

  local function targets(low, high, activation)
    return cases.network(with(cases.regression(), { signals = { data = { y = { min = low,
      max = high } } } }), { cases.dense(1, 1, 10, activation) })
  end

  it("fires: a sigmoid for targets to 346", function()
    local state, f = cases.run(id, cases.network(faulty.diabetes_raw(), {
      cases.dense(1, 1, 10, "sigmoid") }))
    assert.same({ "fires", "exact", "output_range_mismatch" }, { state, f.class, f.cause })
    assert.same({ { output = { activation = "linear" } }, { target = "standardize" } },
      f.fixes[1].patch)
  end)

  it("fires just above and is silent just below a twentieth of the range", function()
    assert.equal("fires", (cases.run(id, targets(0, 1.06, "sigmoid"))))
    assert.equal("passes", (cases.run(id, targets(0, 1.05, "sigmoid"))))
    assert.equal("fires", (cases.run(id, targets(-1.2, 1.2, "tanh"))))
    assert.equal("passes", (cases.run(id, targets(-1, 1, "tanh"))))
  end)

  it("is a measurement up to a third of the range, which outliers may make", function()
    local _, f = cases.run(id, targets(0, 1.4, "sigmoid"))
    assert.equal("measured", f.class)
    _, f = cases.run(id, targets(0, 1.5, "sigmoid"))
    assert.equal("exact", f.class)
  end)

  it("is silent: a linear output, and classes", function()
    assert.equal("passes", (cases.run(id, cases.regression())))
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: targets that nobody saw", function()
    assert.equal("unjudged", (cases.run(id, with(cases.regression(), {
      signals = { data = NONE } }))))
  end)
end)
