local cases = require "spec.support.cases"
local with = cases.with

describe("rule layer_reinitialised", function()
  local id = "layer_reinitialised"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: two draws", function()
    local state, f = run {
      loop = { redrawn = { dense_2 = 2 } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("layer_reinitialised", f.cause)
  end)

  it("fires: one state that is loaded again and again", function()
    local state, f = run { loop = { redrawn = {}, put_back = 0.9 } }
    assert.same({ "fires", "exact", "lost" }, { state, f.class, f.part })
    assert.matches("0.9 times a step", f.title)
  end)

  it("fires: weights that have nothing to do with those before", function()
    local state, f = run {
      loop = { redrawn = {}, drawn = { dense_2 = 2 } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("layer_reinitialised", f.cause)
  end)

  it("is silent: one new start", function()
    local state = run {
      loop = { redrawn = { dense_2 = 1 } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: none", function()
    local state = run {
      loop = { redrawn = {}, drawn = {} }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)
end)
