local cases = require "spec.support.cases"
local with = cases.with

describe("rule padding_counts", function()
  local id = "padding_counts"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: half of the positions, and little skill elsewhere", function()
    local state, f = run {
      labels = { padding = { class = 0, share = 0.5, accuracy = 0.59, majority = 0.2 } }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lost", f.part)
    assert.equal("padding_dominates", f.cause)
  end)

  it("is silent: less padding", function()
    local state = run {
      labels = { padding = { class = 0, share = 0.49, accuracy = 0.2, majority = 0.2 } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: the rest is learnt", function()
    local state = run {
      labels = { padding = { class = 0, share = 0.9, accuracy = 0.61, majority = 0.2 } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: no padding", function()
    local state = run {
      labels = { recall = { [0] = 1 } }
    }
    assert.equal("unjudged", state)
  end)
end)
