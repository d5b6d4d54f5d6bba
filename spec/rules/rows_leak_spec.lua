local cases = require "spec.support.cases"
local with = cases.with

describe("rule rows_leak", function()
  local id = "rows_leak"

  local function tested(leaks, change)
    return with(cases.wine(), { signals = { tests = { row_leak = { leaks = leaks,
      change = change } } } })
  end

  it("fires: an answer that changes with the other rows", function()
    local state, f = cases.run(id, tested(true, 0.4))
    assert.same({ "fires", "exact", "softmax_wrong_axis" }, { state, f.class, f.cause })
  end)

  it("is silent: an answer of its own", function()
    assert.equal("passes", (cases.run(id, tested(false, 1e-7))))
  end)

  it("cannot tell: not tested", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
