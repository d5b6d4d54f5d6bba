local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule softmax_wrong_axis", function()
  local id = "softmax_wrong_axis"

  it("fires: rows that do not add up to 1", function()
    local case = with(cases.wine(), { signals = { init = { output = { row_sum_min = 0.02,
      row_sum_max = 0.2 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("softmax_wrong_axis", f.cause)
  end)

  it("is silent: rows that add up to 1", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: outputs that were not measured", function()
    local case = with(cases.wine(), { signals = { init = { output = NONE }, final = {
      output = NONE } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("does not apply: a linear output", function()
    assert.equal("skipped", (cases.run(id, cases.regression())))
  end)
end)
