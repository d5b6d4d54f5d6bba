local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

local function normalised(change, rms)
  local case = with(cases.wine(), { signals = { data = { x = { rms = rms or 226 } } } })
  case.description.layers[1] = with(case.description.layers[1], change)
  return case
end

describe("rule normalization_not_adapted", function()
  local id = "normalization_not_adapted"
  local bare = { adapted = NONE, options = { adapt = NONE } }

  it("fires: no statistics before raw inputs", function()
    local state, f = cases.run(id, normalised(bare))
    assert.same({ "fires", "unnormalised_inputs", "exact" }, { state, f.cause, f.class })
    assert.same({ layer = { path = "normalization_1", options = { adapt = true } } },
      f.fixes[1].patch)
  end)

  it("is a smell where the inputs are of size 1 anyway", function()
    local _, f = cases.run(id, normalised(bare, 2.9))
    assert.equal("suggestive", f.class)
    _, f = cases.run(id, normalised(bare, 3.1))
    assert.equal("exact", f.class)
  end)

  it("is silent: adapted, or given its statistics", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
    assert.equal("passes", (cases.run(id, normalised { adapted = NONE, given_statistics = true,
      options = { adapt = NONE } })))
    assert.equal("passes", (cases.run(id, cases.wine_raw())))
  end)
end)
