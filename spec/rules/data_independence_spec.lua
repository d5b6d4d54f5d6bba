local cases = require "spec.support.cases"
local with = cases.with

describe("rule data_independence", function()
  local id = "data_independence"

  it("fires: shuffled inputs as good in a failed run", function()
    local case = with(cases.wine_raw(), { signals = { tests = { data_independence = { real = 0,
      shuffled = 0, independent = true } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("uninformative_labels", f.cause)
  end)

  it("is silent: real inputs better", function()
    local case = with(cases.wine(), { signals = { tests = { data_independence = { real = 0.97,
      shuffled = 0.2, independent = false } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: no test", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
