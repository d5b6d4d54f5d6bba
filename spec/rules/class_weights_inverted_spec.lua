local cases = require "spec.support.cases"
local with = cases.with

describe("rule class_weights_inverted", function()
  local id = "class_weights_inverted"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: half as much again for the common class", function()
    local state, f = run {
      labels = { weights = { often = 0, rare = 1, of_often = 1.5, of_rare = 1, agree = 0.75,
        imbalance = 2 }, recall = { [1] = 0.49 } }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lost", f.part)
    assert.equal("class_weights_inverted", f.cause)
  end)

  it("fires: nothing lost", function()
    local state, f = run {
      labels = { weights = { often = 0, rare = 1, of_often = 1.5, of_rare = 1, agree = 0.75,
        imbalance = 2 }, recall = { [1] = 0.5 } }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal(nil, f.part)
    assert.equal("class_weights_inverted", f.cause)
  end)

  it("is silent: less", function()
    local state = run {
      labels = { weights = { often = 0, rare = 1, of_often = 1.49, of_rare = 1, agree = 1,
        imbalance = 2 }, recall = { [1] = 0 } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: most pairs the right way", function()
    local state = run {
      labels = { weights = { often = 0, rare = 1, of_often = 1.5, of_rare = 1, agree = 0.74,
        imbalance = 2 }, recall = { [1] = 0 } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: even classes", function()
    local state = run {
      labels = { weights = { often = 0, rare = 1, of_often = 1.5, of_rare = 1, agree = 1,
        imbalance = 1.9 }, recall = { [1] = 0 } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: no weights", function()
    local state = run {
      labels = { recall = { [0] = 1 } }
    }
    assert.equal("unjudged", state)
  end)
end)
