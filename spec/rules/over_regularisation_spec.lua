local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule over_regularisation", function()
  local id = "over_regularisation"

  it("fires: a penalty that governs a failed run", function()
    local case = with(cases.wine_raw(), { signals = { penalty = { share = 0.9, ratio = 20 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("over_regularisation", f.cause)
  end)

  it("fires: decay that shrinks the weights by exp(-15)", function()
    local case = with(cases.wine_raw(), { description = { optimizer = { weight_decay = 1 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("over_regularisation", f.cause)
  end)

  it("fires: weights pulled to a hundredth of their start", function()
    local case = with(cases.wine_raw(), { signals = { penalty = { share = 0.01, ratio = 1 },
      final = { layers = { dense_3 = { weight_rms = 0.002 } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("over_regularisation", f.cause)
  end)

  it("is silent: a small penalty", function()
    local case = with(cases.wine(), { signals = { penalty = { share = 0.1, ratio = 0.2 } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a penalty at convergence", function()
    local case = with(cases.converged(), { signals = { penalty = { share = 0.9, ratio = 20 } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: an unknown optimiser", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      optimizer = NONE } }))))
  end)
end)
