local cases = require "spec.support.cases"
local with = cases.with

describe("rule optimizer_recreated", function()
  local id = "optimizer_recreated"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: four in under ten steps each", function()
    local state, f = run {
      loop = { optimizers = { n = 4, steps = 39, stateful = true } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal(nil, f.part)
    assert.equal("optimizer_recreated", f.cause)
  end)

  it("fires: and what it lost", function()
    local state, f = run {
      loop = { optimizers = { n = 4, steps = 39, stateful = true } }, outside = { gain = 0.21 }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("optimizer_recreated", f.cause)
  end)

  it("is silent: three", function()
    local state = run {
      loop = { optimizers = { n = 3, steps = 3, stateful = true } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: ten steps each", function()
    local state = run {
      loop = { optimizers = { n = 4, steps = 40, stateful = true } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)

  it("does not apply: plain descent keeps nothing", function()
    local state = run {
      loop = { optimizers = { n = 40, steps = 40, stateful = false } }
    }
    assert.equal("skipped", state)
  end)
end)
