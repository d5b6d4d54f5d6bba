local cases = require "spec.support.cases"
local with = cases.with

describe("rule softmax_in_loop", function()
  local id = "softmax_in_loop"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: the loss of a softmax in three looks", function()
    local state, f = run {
      loop = { looks = 9, relation = { softmax = 3 }, between = {  },
        takes_logits = false, law = {  } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("double_softmax", f.cause)
  end)

  it("fires: a sigmoid before a loss on logits", function()
    local state, f = run {
      loop = { looks = 9, relation = {  }, between = { sigmoid = 3 }, takes_logits = true,
        law = {  } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("double_softmax", f.cause)
  end)

  it("fires: a loss of one's own with the floor of two", function()
    local state, f = run {
      loop = { looks = 9, relation = {  }, between = {  }, takes_logits = false,
        law = { double_softmax = true } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("double_softmax", f.cause)
  end)

  it("is silent: two looks", function()
    local state = run {
      loop = { looks = 9, relation = { softmax = 2 }, between = {  }, takes_logits = false,
        law = {  } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: steps that agree without it too", function()
    local state = run {
      loop = { looks = 9, relation = { softmax = 3, same = 1 }, between = {  },
        takes_logits = false, law = {  } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: a softmax before a loss on probabilities", function()
    local state = run {
      loop = { looks = 9, relation = { same = 3 }, between = { softmax = 3 },
        takes_logits = false, law = {  } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: an experiment", function()
    local state = run {}
    assert.equal("unjudged", state)
  end)
end)
