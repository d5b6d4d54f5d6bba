local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule nonfinite_tensor", function()
  local id = "nonfinite_tensor"

  it("fires: a layer from step 6", function()
    local state, f = cases.run(id, faulty.diabetes_raw_y())
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.is_nil(f.cause)
  end)

  it("fires: outputs before the weights that they spoil, in one step too", function()
    local _, f = cases.run(id, with(cases.wine(), { signals = {
      outputs = { dense_2 = { first_nonfinite_step = 6 }, dense_3 = { first_nonfinite_step = 9 } },
      layers = { dense_3 = { first_nonfinite_step = 6 } } } }))
    assert.equal("outputs of dense_2 are not finite from step 6", f.title)
    _, f = cases.run(id, with(cases.wine(), { signals = {
      outputs = { dense_2 = { first_nonfinite_step = 6 } },
      layers = { dense_3 = { first_nonfinite_step = 5 } } } }))
    assert.equal("gradients or weights of dense_3 are not finite from step 5", f.title)
  end)

  it("fires: weights that were not finite before training", function()
    local _, f = cases.run(id, with(cases.wine(), { signals = { init = { layers = {
      dense_2 = { weight_nonfinite = 1, nonfinite = 20 } } } } }))
    assert.equal("weights of dense_2 are not finite before the first step", f.title)
  end)

  it("is silent: finite layers", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: nothing measured", function()
    local case = with(cases.wine(), { signals = { layers = NONE, init = NONE } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)
end)
