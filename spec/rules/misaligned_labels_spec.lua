local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule misaligned_labels", function()
  local id = "misaligned_labels"

  it("fires: a loop that shuffles only the inputs", function()
    local case = with(cases.wine(), { description = { loop = { shuffle = "x_only" } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("misaligned_labels", f.cause)
  end)

  it("is silent: a loop that shuffles both", function()
    local case = with(cases.wine(), { description = { loop = { shuffle = "both" } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a usual fit", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: a loop of the user", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      epochs = NONE } }))))
  end)
end)
