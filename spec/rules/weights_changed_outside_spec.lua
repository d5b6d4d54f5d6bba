local cases = require "spec.support.cases"
local with = cases.with

describe("rule weights_changed_outside", function()
  local id = "weights_changed_outside"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: twice, and what it lost", function()
    local state, f = run {
      loop = { broken = { { id = "only_step_moves_weights", step = 3, last = 9, count = 2,
        line = "train.lua:9" } }, drawn = {} }, outside = { gain = 0.21 }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("weights_changed_outside", f.cause)
  end)

  it("is silent: once", function()
    local state = run {
      loop = { broken = { { id = "only_step_moves_weights", step = 3, last = 9, count = 1,
        line = "train.lua:9" } }, drawn = {} }, outside = { gain = 0.21 }
    }
    assert.equal("passes", state)
  end)

  it("is silent: weights drawn anew, which is another fault", function()
    local state = run {
      loop = { broken = { { id = "only_step_moves_weights", step = 3, last = 9, count = 9,
        line = "train.lua:9" } }, drawn = { dense_1 = 3 } }, outside = { gain = 0.21 }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)

  it("only points there: a clip after each step in a run that learns", function()
    local state, f = run {
      loop = { broken = { { id = "only_step_moves_weights", step = 3, last = 9, count = 9,
        line = "train.lua:9" } }, drawn = {} }
    }
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.is_nil(f.part)
  end)
end)
