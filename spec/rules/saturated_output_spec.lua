local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule saturated_output", function()
  local id = "saturated_output"

  it("fires: certain and wrong", function()
    local case = with(cases.wine_raw(), { signals = { accuracy = 0.6, final = { output = {
      max_prob_mean = 0.9999 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("output_range_mismatch", f.cause)
  end)

  it("is silent: certain and right", function()
    assert.equal("passes", (cases.run(id, cases.perfect())))
  end)

  it("is silent: doubtful answers", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: an unknown accuracy", function()
    local case = with(cases.wine_raw(), { signals = { accuracy = NONE, final = { output = {
      max_prob_mean = 0.9999 } } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("cannot tell: answers that were not measured", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { final = NONE } }))))
  end)
end)
