local cases = require "spec.support.cases"
local with = cases.with

describe("rule inputs_on_another_scale", function()
  local function run(rows, outside)
    return cases.run("inputs_on_another_scale", with(cases.wine(), { signals = {
      loop = { rows = rows }, outside = outside } }))
  end

  it("fires: inputs scaled in the loop, and the model does badly on the data", function()
    local state, f = run({ moved = 0.9, widened = 3 }, { gain = 0.4 })
    assert.equal("fires", state)
    assert.same({ "measured", "lost", "inconsistent_test_preprocessing" },
      { f.class, f.part, f.cause })
  end)

  it("is silent: noise, and a model that does well on the data", function()
    assert.equal("passes", (run({ moved = 0.1, widened = 1.05 }, { gain = 0.4 })))
    assert.equal("passes", (run({ moved = 0.9, widened = 3 }, { gain = 0.1 })))
  end)

  it("cannot tell: rows of the data were fed", function()
    assert.equal("unjudged", (run({}, { gain = 0.4 })))
  end)
end)
