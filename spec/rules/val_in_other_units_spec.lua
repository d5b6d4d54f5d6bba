local cases = require "spec.support.cases"
local with = cases.with

describe("rule val_in_other_units", function()
  local id = "val_in_other_units"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: means three deviations apart", function()
    local state, f = run {
      val_units = { n = 20, train = { mean = 0, std = 1, correlation = 0.8 }, val = { mean = 3,
        std = 1, correlation = 0.3 } }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lost", f.part)
    assert.equal("inconsistent_test_preprocessing", f.cause)
  end)

  it("fires: three times the spread", function()
    local state, f = run {
      val_units = { n = 20, train = { mean = 0, std = 1, correlation = 0.8 }, val = { mean = 0,
        std = 3, correlation = 0.3 } }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lost", f.part)
    assert.equal("inconsistent_test_preprocessing", f.cause)
  end)

  it("fires: a third of it", function()
    local state, f = run {
      val_units = { n = 20, train = { mean = 0, std = 1, correlation = 0.8 }, val = { mean = 0,
        std = 0.33, correlation = 0.3 } }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lost", f.part)
    assert.equal("inconsistent_test_preprocessing", f.cause)
  end)

  it("is silent: less", function()
    local state = run {
      val_units = { n = 20, train = { mean = 0, std = 1, correlation = 0.8 }, val = { mean = 2.9,
        std = 2.9, correlation = 0.9 } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: rows of another kind", function()
    local state = run {
      val_units = { n = 20, train = { mean = 0, std = 1, correlation = 0.8 }, val = { mean = 9,
        std = 1, correlation = 0.29 } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: 19 rows", function()
    local state = run {
      val_units = { n = 19, train = { mean = 0, std = 1, correlation = 0.8 }, val = { mean = 9,
        std = 1, correlation = 0.9 } }
    }
    assert.equal("unjudged", state)
  end)

  it("cannot tell: classes", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)
end)
