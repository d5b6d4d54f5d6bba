local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule integer_input", function()
  local id = "integer_input"

  it("fires: bytes", function()
    local state, f = cases.run(id, faulty.mnist_raw())
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("unnormalised_inputs", f.cause)
  end)

  it("is silent: fractions", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: whole numbers up to 3", function()
    local case = with(faulty.mnist_raw(), { signals = { data = { x = { max = 3 } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: data that was not audited", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { data = NONE } }))))
  end)
end)
