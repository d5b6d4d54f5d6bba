local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule train_validation_leak", function()
  local id = "train_validation_leak"

  it("fires: the same rows on both sides", function()
    local case = with(cases.wine(), { signals = { data = { val = { leak_share = 0.9 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("train_validation_leak", f.cause)
  end)

  it("fires: a tenth of the rows, as a warning", function()
    local case = with(cases.wine(), { signals = { data = { val = { leak_share = 0.1 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("train_validation_leak", f.cause)
  end)

  it("is silent: disjoint rows", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a table that repeats itself", function()
    local case = with(cases.wine(), { signals = { data = { val = { leak_share = 0.5 },
      duplicates = { share = 0.4 } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a single common row", function()
    local case = with(cases.wine(), { signals = { data = { val = { leak_share = 1 / 36 } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: no validation rows", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { data = {
      val = NONE } } }))))
  end)
end)
