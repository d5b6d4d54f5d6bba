local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule feature_scale_disparity", function()
  local id = "feature_scale_disparity"

  it("fires: raw wine", function()
    local state, f = cases.run(id, cases.wine_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("unnormalised_inputs", f.cause)
  end)

  it("fires: raw features in a run that learns, as a remark", function()
    local case = with(cases.ionosphere(), { signals = { data = { x = {
      feature = { mean = { 0, 0, 0 }, std = { 1, 1, 200 } } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("unnormalised_inputs", f.cause)
  end)

  it("is silent: sparse pixels whose rarest column hardly varies", function()
    assert.equal("passes", (cases.run(id, cases.mnist())))
  end)

  it("is silent: raw features behind a normalisation layer", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: all inputs times a thousand, the ratios the same", function()
    local case = with(cases.ionosphere(), { signals = { data = { x = {
      feature = { mean = { 0, 0, 0 }, std = { 500, 1000, 1200 } } } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: data that was not audited", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { data = NONE } }))))
  end)

  it("is scale-free: raw wine", function()
    assert(cases.invariant(id, cases.wine_raw()))
  end)
end)
