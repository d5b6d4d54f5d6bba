local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule missing_zero_grad", function()
  local id = "missing_zero_grad"

  it("fires: a loop that never clears", function()
    local case = with(cases.wine_raw(), { description = { loop = { zero_grad = false } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("missing_zero_grad", f.cause)
  end)

  it("fires: a buffer that adds up", function()
    local case = with(cases.wine_raw(), { signals = { tests = { zero_grad = { accumulates = true,
      ratio = 7 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("missing_zero_grad", f.cause)
  end)

  it("fires: the same where it learns, as a warning", function()
    local case = with(cases.wine(), { description = { loop = { zero_grad = false } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("missing_zero_grad", f.cause)
  end)

  it("is silent: a loop that clears", function()
    local case = with(cases.wine(), { description = { loop = { zero_grad = true } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: declared accumulation", function()
    local case = with(cases.wine(), { description = { loop = { zero_grad = false,
      accumulate = 4 } } })
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
