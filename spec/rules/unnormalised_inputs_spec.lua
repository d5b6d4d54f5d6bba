local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule unnormalised_inputs", function()
  local id = "unnormalised_inputs"

  it("fires: raw wine, an error since training failed", function()
    local state, f = cases.run(id, cases.wine_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("unnormalised_inputs", f.cause)
  end)

  it("fires: pixels 0..255", function()
    local state, f = cases.run(id, faulty.mnist_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("unnormalised_inputs", f.cause)
  end)

  it("fires: a run that learns with most units dead", function()
    local state, f = cases.run(id, faulty.digits_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("unnormalised_inputs", f.cause)
  end)

  it("fires: raw inputs in a run that learns, as a remark", function()
    local case = with(faulty.digits_raw(), { signals = {
      final = { layers = { dense_2 = { dead_share = 0 } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("unnormalised_inputs", f.cause)
  end)

  it("fires: inputs scaled twice", function()
    local case = with(faulty.mnist_raw(), { signals = { data = {
      x = { rms = 0.0013, mean = 0.0005, std = 0.0012, max = 0.004 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("double_normalisation", f.cause)
  end)

  it("is silent: raw inputs behind a normalisation layer", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: pixels in 0..1 with sparse columns", function()
    assert.equal("passes", (cases.run(id, cases.mnist())))
  end)

  it("is silent: pixels behind a rescale layer", function()
    local case = (function()
      local case = faulty.mnist_raw()
      table.insert(case.description.layers, 1, { index = 1, path = "rescale_1", kind = "rescale",
        options = { scale = 1 / 255 } })
      return case
    end)()
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("fires: a normalisation layer without statistics", function()
    local case = (function()
      local case = cases.wine_raw()
      table.insert(case.description.layers, 1, { index = 1, path = "normalization_1",
        kind = "normalization", options = {} })
      return case
    end)()
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("unnormalised_inputs", f.cause)
  end)

  it("cannot tell: a lambda layer first", function()
    local case = (function()
      local case = cases.wine_raw()
      table.insert(case.description.layers, 1, { index = 1, path = "lambda_1", kind = "lambda",
        options = {} })
      return case
    end)()
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("cannot tell: data that was not audited", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { data = NONE } }))))
  end)

  it("is scale-free: raw wine", function()
    assert(cases.invariant(id, cases.wine_raw()))
  end)
end)
