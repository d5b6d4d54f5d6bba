local cases = require "spec.support.cases"
local with = cases.with

describe("rule inputs_changed_in_place", function()
  local id = "inputs_changed_in_place"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: other values than at the start", function()
    local state, f = run {
      loop = { data_changed = true }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("inputs_changed_in_place", f.cause)
  end)

  it("cannot tell: the same values", function()
    local state = run {
      loop = { looks = 3 }
    }
    assert.equal("unjudged", state)
  end)
end)
