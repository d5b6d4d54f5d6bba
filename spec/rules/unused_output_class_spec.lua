local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule unused_output_class", function()
  local id = "unused_output_class"

  it("fires: two of ten units never named, in a failed run", function()
    local case = with(faulty.mnist_raw(), { signals = { data = { y = { classes = 8 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("wrong_label_encoding", f.cause)
  end)

  it("is silent: one of ten units", function()
    local case = with(cases.mnist(), { signals = { data = { y = { classes = 9 } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a unit per class", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("does not apply: a regression", function()
    local case = with(cases.regression(), { signals = { data = { y = { classes = 5 } } } })
    assert.equal("skipped", (cases.run(id, case)))
  end)

  it("cannot tell: labels that were not counted", function()
    local case = with(cases.wine(), { signals = { data = { y = { classes = NONE } } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)
end)
