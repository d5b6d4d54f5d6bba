local cases = require "spec.support.cases"

describe("rule frozen_parameters", function()
  local id = "frozen_parameters"

  it("fires: all layers frozen", function()
    local case = (function()
      local case = cases.wine_raw()
      case.description.layers[1].trainable = false
      case.description.layers[2].trainable = false
      return case
    end)()
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("frozen_parameters", f.cause)
  end)

  it("fires: most parameters in a failed run", function()
    local case = (function()
      local case = cases.wine_raw()
      case.description.layers[1].trainable = false
      return case
    end)()
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("frozen_parameters", f.cause)
  end)

  it("fires: fine-tuning, as a remark", function()
    local case = (function()
      local case = cases.wine()
      case.description.layers[2].trainable = false
      return case
    end)()
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("frozen_parameters", f.cause)
  end)

  it("is silent: everything trainable", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: the statistics of a normalisation layer", function()
    local case = (function()
      local case = cases.wine()
      case.description.layers[1].trainable = false
      return case
    end)()
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: unknown counts", function()
    assert.equal("unjudged", (cases.run(id, cases.network(cases.wine(), {
      cases.layer("dense") }))))
  end)
end)
