local cases = require "spec.support.cases"
local with = cases.with

describe("rule evaluation_mode_in_training", function()
  local id = "evaluation_mode_in_training"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: half of the passes", function()
    local state, f = run {
      loop = { broken = { { id = "training_mode", step = 3, last = 9, count = 5,
        line = "train.lua:9" } }, passes = { training = 10, training_as_evaluation = 5 } },
        outside = { gain = 0.21 }
    }
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lost", f.part)
    assert.equal("dropout_misuse", f.cause)
  end)

  it("is silent: fewer", function()
    local state = run {
      loop = { broken = { { id = "training_mode", step = 3, last = 9, count = 4,
        line = "train.lua:9" } }, passes = { training = 10, training_as_evaluation = 4 } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: none", function()
    local state = run {
      loop = { broken = {}, passes = { training = 10, training_as_evaluation = 0 } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)
end)
