local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule unscaled_targets", function()
  local id = "unscaled_targets"

  it("fires: raw targets and a loss of NaN", function()
    local state, f = cases.run(id, faulty.diabetes_raw_y())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("unscaled_targets", f.cause)
  end)

  it("fires: raw targets in a run that learns, as a remark", function()
    local case = with(cases.regression(), { signals = { data = { y = { mean = 152, std = 77,
      var = 5928, mean_square = 28998 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("unscaled_targets", f.cause)
  end)

  it("is silent: standardised targets", function()
    assert.equal("passes", (cases.run(id, cases.regression())))
  end)

  it("is silent: raw targets that the experiment standardises", function()
    local case = with(faulty.diabetes_raw_y(), { description = { target = "standardize" } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("does not apply: classes", function()
    assert.equal("skipped", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: data that was not audited", function()
    assert.equal("unjudged", (cases.run(id, with(cases.regression(), { signals = {
      data = NONE } }))))
  end)
end)
