local cases = require "spec.support.cases"
local with = cases.with

describe("rule missing_zero_grad", function()
  local id = "missing_zero_grad"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: a buffer that adds up", function()
    local state, f = run {
      tests = { zero_grad = { accumulates = true, ratio = 7 } }, loop = { backwards = 9,
        broken = { { id = "gradients_cleared", step = 2, count = 8 } } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("missing_zero_grad", f.cause)
  end)

  it("is silent: a loop that clears", function()
    local state = run {
      tests = { zero_grad = { accumulates = false, ratio = 7 } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)
end)
