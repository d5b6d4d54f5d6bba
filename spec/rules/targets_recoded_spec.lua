local cases = require "spec.support.cases"
local with = cases.with

describe("rule targets_recoded", function()
  local id = "targets_recoded"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: another coding, and what it lost", function()
    local state, f = run {
      loop = { rows = { targets_equal = 0.94, targets = "map" } }, outside = { gain = 0.21 }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lost", f.part)
    assert.equal("wrong_label_encoding", f.cause)
  end)

  it("fires: classes that became one", function()
    local state, f = run {
      loop = { rows = { targets_equal = 0.1, targets = "merged" } }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal(nil, f.part)
    assert.equal("wrong_label_encoding", f.cause)
  end)

  it("is silent: the coding of the data", function()
    local state = run {
      loop = { rows = { targets_equal = 0.95, targets = "map" } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: targets of other rows", function()
    local state = run {
      loop = { rows = { targets_equal = 0.1, targets = "mixed" } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)
end)
