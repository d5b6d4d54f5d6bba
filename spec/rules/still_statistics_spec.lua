local cases = require "spec.support.cases"
local with = cases.with

describe("rule still_statistics", function()
  local id = "still_statistics"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: statistics of the start", function()
    local state, f = run {
      loop = { still_statistics = { "batch_norm_1" } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("batchnorm_statistics_lag", f.cause)
  end)

  it("cannot tell: statistics that moved", function()
    local state = run {
      loop = { looks = 3 }
    }
    assert.equal("unjudged", state)
  end)
end)
