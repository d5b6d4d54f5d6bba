local cases = require "spec.support.cases"
local with = cases.with

describe("rule misaligned_labels", function()
  local id = "misaligned_labels"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: targets of other rows", function()
    local state, f = run {
      loop = { rows = { targets_equal = 0.94, targets = "mixed" } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("misaligned_labels", f.cause)
  end)

  it("fires: rows put together from several", function()
    local state, f = run {
      loop = { rows = { mixed = 3 } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("misaligned_labels", f.cause)
  end)

  it("is silent: nineteen of twenty are right", function()
    local state = run {
      loop = { rows = { targets_equal = 0.95, targets = "mixed" } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: another coding", function()
    local state = run {
      loop = { rows = { targets_equal = 0.1, targets = "map" } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: rows that are not those of the data", function()
    local state = run {
      loop = { rows = { drawn = 9 } }
    }
    assert.equal("unjudged", state)
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)
end)
