local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule bad_init_scale", function()
  local id = "bad_init_scale"

  it("fires: weights of standard deviation 10 in a failed run", function()
    local case = with(cases.wine_raw(), { signals = { init = { layers = { dense_2 = {
      weight_std = 10 } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("bad_init_scale", f.cause)
  end)

  it("fires: the same where it learns, as a remark", function()
    local case = with(cases.wine(), { signals = { init = { layers = { dense_2 = {
      weight_std = 10 } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("bad_init_scale", f.cause)
  end)

  it("is silent: the usual 0.05 on 13 inputs", function()
    local case = with(cases.wine(), { signals = { init = { layers = { dense_2 = {
      weight_std = 0.08 } } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a small output layer", function()
    local case = with(cases.wine(), { signals = { init = { layers = { dense_3 = {
      weight_std = 1e-4 } } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: weights that were not measured", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { init = NONE } }))))
  end)
end)
