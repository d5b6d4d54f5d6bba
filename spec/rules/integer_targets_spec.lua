local cases = require "spec.support.cases"
local with = cases.with

local function targets(low, high, n, integral)
  return with(cases.regression(), { signals = { data = { n = n or 354, y = { min = low, max = high,
    integral = integral ~= false } } } })
end

describe("rule integer_targets", function()
  local id = "integer_targets"

  it("suggests: three classes under squared error", function()
    local state, f = cases.run(id, targets(0, 2))
    assert.same({ "fires", "wrong_loss", "suggestive" }, { state, f.cause, f.class })
  end)

  it("fires just within and is silent just beyond its limits", function()
    assert.equal("fires", (cases.run(id, targets(0, 12))))
    assert.equal("passes", (cases.run(id, targets(0, 13))))
    assert.equal("fires", (cases.run(id, targets(0, 2, 30))))
    assert.equal("passes", (cases.run(id, targets(0, 2, 29))))
  end)

  it("is silent: 0 and 1, real numbers, counts from elsewhere", function()
    assert.equal("passes", (cases.run(id, targets(0, 1))))
    assert.equal("passes", (cases.run(id, targets(0, 2, 354, false))))
    assert.equal("passes", (cases.run(id, targets(3, 9))))
  end)

  it("does not apply: classes", function()
    assert.equal("skipped", (cases.run(id, cases.wine())))
  end)
end)
