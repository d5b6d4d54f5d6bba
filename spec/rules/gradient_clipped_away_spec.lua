local cases = require "spec.support.cases"
local with = cases.with

describe("rule gradient_clipped_away", function()
  local id = "gradient_clipped_away"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: under a twentieth, by hand", function()
    local state, f = run {
      loop = { looks = 9, altered = 0.049, clip = 1, optimizers = { scale_free = false } },
        outside = { gain = 0.21 }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lost", f.part)
    assert.equal("gradient_clipped_away", f.cause)
  end)

  it("fires: by the optimiser", function()
    local state, f = run {
      loop = { looks = 9, altered = 1, clip = 0.049, optimizers = { scale_free = false } }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal(nil, f.part)
    assert.equal("gradient_clipped_away", f.cause)
  end)

  it("is silent: a twentieth", function()
    local state = run {
      loop = { looks = 9, altered = 0.05, clip = 1, optimizers = { scale_free = false } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)

  it("does not apply: Adam does not see the scale", function()
    local state = run {
      loop = { looks = 9, altered = 0.001, clip = 1, optimizers = { scale_free = true } }
    }
    assert.equal("skipped", state)
  end)
end)
