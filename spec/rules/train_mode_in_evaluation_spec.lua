local cases = require "spec.support.cases"
local with = cases.with

describe("rule train_mode_in_evaluation", function()
  local id = "train_mode_in_evaluation"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: a tenth of the baseline between the modes", function()
    local state, f = run {
      final = { loss = 1, train_mode_loss = 1.201 }, baseline = 2,
        loop = { broken = { { id = "evaluation_mode", step = 3, last = 9, count = 1,
        line = "train.lua:9" } } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("train_mode_in_evaluation", f.cause)
  end)

  it("fires: two evaluations that differ", function()
    local state, f = run {
      loop = { broken = {}, passes_differ = true }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("train_mode_in_evaluation", f.cause)
  end)

  it("is silent: evaluation as it should be", function()
    local state = run {
      loop = { broken = {} }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)

  it("only points there: modes that agree", function()
    local state, f = run {
      final = { loss = 1, train_mode_loss = 1.19 }, baseline = 2,
        loop = { broken = { { id = "evaluation_mode", step = 3, last = 9, count = 1,
        line = "train.lua:9" } } }
    }
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.is_nil(f.part)
  end)
end)
