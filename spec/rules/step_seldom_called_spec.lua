local cases = require "spec.support.cases"
local with = cases.with

describe("rule step_seldom_called", function()
  local id = "step_seldom_called"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: eight batches, half an epoch to an update", function()
    local state, f = run {
      loop = { backwards = 80, steps = 10, rows = { of = 100, batch = 7 } },
        outside = { gain = 0.21 }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lost", f.part)
    assert.equal("step_seldom_called", f.cause)
  end)

  it("is silent: seven batches", function()
    local state = run {
      loop = { backwards = 77, steps = 11, rows = { of = 100, batch = 50 } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: a tenth of an epoch", function()
    local state = run {
      loop = { backwards = 80, steps = 10, rows = { of = 100, batch = 1 } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)

  it("does not apply: no update at all", function()
    local state = run {
      loop = { backwards = 80, steps = 0, rows = { of = 100, batch = 7 } }
    }
    assert.equal("skipped", state)
  end)
end)
