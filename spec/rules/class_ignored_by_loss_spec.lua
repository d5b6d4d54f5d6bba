local cases = require "spec.support.cases"
local with = cases.with

describe("rule class_ignored_by_loss", function()
  local id = "class_ignored_by_loss"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: rows with inputs of their own", function()
    local state, f = run {
      labels = { ignored = { class = 0, share = 0.3, inputs = 0.5, count = 8 },
        recall = { [0] = 0.49 } }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("class_ignored_by_loss", f.cause)
  end)

  it("is silent: padding: one input for all", function()
    local state = run {
      labels = { ignored = { class = 0, share = 0.3, inputs = 0.49, count = 8 },
        recall = { [0] = 0 } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: a few rows", function()
    local state = run {
      labels = { ignored = { class = 0, share = 0.3, inputs = 1, count = 7 },
        recall = { [0] = 0 } }
    }
    assert.equal("passes", state)
  end)

  it("is silent: a class that is recognised all the same", function()
    local state = run {
      labels = { ignored = { class = 0, share = 0.3, inputs = 1, count = 8 },
        recall = { [0] = 0.5 } }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: no ignored class", function()
    local state = run {
      labels = { recall = { [0] = 1 } }
    }
    assert.equal("unjudged", state)
  end)
end)
