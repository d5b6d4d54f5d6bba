local cases = require "spec.support.cases"
local with = cases.with

describe("rule several_backwards", function()
  local id = "several_backwards"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: twice", function()
    local state, f = run {
      loop = { broken = { { id = "one_backward", step = 3, last = 9, count = 2,
        line = "train.lua:9" } } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal(nil, f.part)
    assert.equal("several_backwards", f.cause)
  end)

  it("is silent: once", function()
    local state = run {
      loop = { broken = { { id = "one_backward", step = 3, last = 9, count = 1,
        line = "train.lua:9" } } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: nothing broken", function()
    local state = run {
      loop = { broken = {} }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)
end)
