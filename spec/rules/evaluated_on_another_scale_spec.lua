local cases = require "spec.support.cases"
local with = cases.with

describe("rule evaluated_on_another_scale", function()
  local function run(moved, widened, rows, found)
    return cases.run("evaluated_on_another_scale", with(cases.wine(), { signals = {
      loop = { evaluated = { moved = moved, widened = widened, rows = rows or 100 },
        rows = { found = found or 1 } } } }))
  end

  it("fires: raw rows where scaled ones were trained on", function()
    local state, f = run(50, 25)
    assert.same({ "fires", "measured", "inconsistent_test_preprocessing", "lost" },
      { state, f.class, f.cause, f.part })
    assert.equal("fires", (run(0, 3.1)))
    assert.equal("fires", (run(3.1, 1)))
  end)

  it("is silent: other rows of the same kind", function()
    assert.equal("passes", (run(0.4, 1.3)))
  end)

  it("cannot tell: few rows, or training on other rows than those of the data", function()
    assert.equal("unjudged", (run(50, 25, 29)))
    assert.equal("unjudged", (run(50, 25, 100, 0.4)))
  end)
end)
