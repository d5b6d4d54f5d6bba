local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule constant_feature", function()
  local id = "constant_feature"

  it("is silent: constant border pixels", function()
    assert.equal("passes", (cases.run(id, cases.mnist())))
  end)

  it("fires: more than half of the columns in a failed run", function()
    local case = with(faulty.mnist_raw(), { signals = { data = {
      x = { constant = { count = 500, share = 0.64 } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("constant_inputs", f.cause)
  end)

  it("is silent: columns that vary", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: data that was not audited", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { data = NONE } }))))
  end)

  it("is scale-free: border pixels", function()
    assert(cases.invariant(id, cases.mnist()))
  end)
end)
