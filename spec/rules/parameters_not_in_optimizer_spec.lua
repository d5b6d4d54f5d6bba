local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule parameters_not_in_optimizer", function()
  local id = "parameters_not_in_optimizer"

  it("fires: one layer that never moves", function()
    local case = with(cases.wine_raw(), { signals = { layers = { dense_3 = { unchanged = 1 } ,
      dense_2 = { unchanged = 0 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("parameters_not_in_optimizer", f.cause)
  end)

  it("fires: a layer that the optimiser does not report, where it learns, as a warning",
    function()
    local case = (function()
      local case = cases.wine()
      case.signals.layers.dense_2 = nil
      return case
    end)()
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("parameters_not_in_optimizer", f.cause)
  end)

  it("is silent: a layer frozen on purpose", function()
    local case = (function()
      local case = with(cases.wine(), { signals = { layers = { dense_2 = { unchanged = 1 } } } })
      case.description.layers[2].trainable = false
      return case
    end)()
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: layers that move", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: dead units, whose gradient is zero", function()
    assert.equal("passes", (cases.run(id, faulty.zero_init())))
  end)

  it("cannot tell: updates that were not measured", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { layers = NONE } }))))
  end)
end)
