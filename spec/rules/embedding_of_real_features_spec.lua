local cases = require "spec.support.cases"
local with = cases.with

local function embedded(integral)
  local case = with(cases.wine_raw(), { signals = { data = { x = { integral = integral } } } })
  table.insert(case.description.layers, 1, { path = "embedding_1", kind = "embedding",
    options = { 50, 8 }, input_shape = { 13 }, output_shape = { 13, 8 }, n_parameters = 400 })
  return case
end

describe("rule embedding_of_real_features", function()
  local id = "embedding_of_real_features"

  it("fires: real numbers as ids", function()
    local state, f = cases.run(id, embedded(false))
    assert.same({ "fires", "embedding_of_real_features", "exact" }, { state, f.cause, f.class })
  end)

  it("is silent: ids", function()
    assert.equal("passes", (cases.run(id, embedded(true))))
  end)

  it("does not apply: no embedding", function()
    assert.equal("skipped", (cases.run(id, cases.wine())))
  end)
end)
