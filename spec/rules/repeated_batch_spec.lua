local cases = require "spec.support.cases"
local with = cases.with

describe("rule repeated_batch", function()
  local id = "repeated_batch"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: under half of the rows that chance would show", function()
    local state, f = run {
      loop = { rows = { drawn = 200, seen = 99, expected = 200.0, of = 300, batch = 20 } }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal(nil, f.part)
    assert.equal("repeated_batch", f.cause)
  end)

  it("fires: and what it lost is measured", function()
    local state, f = run {
      loop = { rows = { drawn = 200, seen = 99, expected = 200.0, of = 300, batch = 20 } },
        outside = { gain = 0.21 }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lost", f.part)
    assert.equal("repeated_batch", f.cause)
  end)

  it("is silent: half of them", function()
    local state = run {
      loop = { rows = { drawn = 200, seen = 100, expected = 200.0, of = 300, batch = 20 } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: rows of data that was not given", function()
    local state = run {
      loop = { rows = { drawn = 200, seen = 1 } }
    }
    assert.equal("unjudged", state)
  end)

  it("cannot tell: 63 rows", function()
    local state = run {
      loop = { rows = { drawn = 63, seen = 1, expected = 63.0, of = 300, batch = 20 } }
    }
    assert.equal("unjudged", state)
  end)
end)
