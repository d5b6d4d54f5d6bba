local cases = require "spec.support.cases"
local with = cases.with

describe("rule outputs_without_gradient", function()
  local id = "outputs_without_gradient"

  local function run(signals)
    return cases.run(id, with(cases.wine(), { signals = signals }))
  end

  it("fires: one of three", function()
    local state, f = run {
      loop = { looks = 8, silent_outputs = { 2 }, output_width = 3 }
    }
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("loss_term_ignored", f.cause)
  end)

  it("is silent: none", function()
    local state = run {
      loop = { looks = 8, silent_outputs = {}, output_width = 3 }
    }
    assert.equal("passes", state)
  end)

  it("is silent: all, which is another fault", function()
    local state = run {
      loop = { looks = 8, silent_outputs = { 1, 2 }, output_width = 2 }
    }
    assert.equal("passes", state)
  end)

  it("cannot tell: no looks", function()
    local state = run {
      loop = { looks = 3 }
    }
    assert.equal("unjudged", state)
  end)
end)
