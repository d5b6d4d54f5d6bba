local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule symmetric_init", function()
  local id = "symmetric_init"

  it("fires: all weights zero", function()
    local state, f = cases.run(id, faulty.zero_init())
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("symmetric_init", f.cause)
  end)

  it("fires: a constant initialiser that was not measured", function()
    local case = (function()
      local case = with(cases.wine_raw(), { signals = { init = NONE } })
      case.description.layers[1].init = "ones"
      return case
    end)()
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("symmetric_init", f.cause)
  end)

  it("is silent: a zero output layer alone", function()
    local case = with(cases.wine(), { signals = { init = { layers = { dense_3 = {
      symmetric = true } } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: glorot", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: neither layers nor measurements", function()
    local case = with(cases.wine(), { description = { layers = NONE }, signals = {
      init = NONE } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("is scale-free: zero weights", function()
    assert(cases.invariant(id, faulty.zero_init()))
  end)
end)
