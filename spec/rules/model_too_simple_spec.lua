local cases = require "spec.support.cases"
local with = cases.with

describe("rule model_too_simple", function()
  local id = "model_too_simple"

  it("fires: neighbours that do better in a run that is stuck", function()
    local case = with(cases.wine_raw(), { signals = { reference = {
      name = "a plain network", level = 0.8 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("too_few_units", f.cause)
  end)

  it("is silent: neighbours that do worse", function()
    local case = with(cases.wine(), { signals = { reference = { level = 0.5 } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: no plain recipe", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
