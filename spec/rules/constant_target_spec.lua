local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule constant_target", function()
  local id = "constant_target"

  it("fires: one class only", function()
    local case = with(cases.wine(), { signals = { data = { y = { classes = 1, constant = true,
      var = 0 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("constant_target", f.cause)
  end)

  it("is silent: three classes", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: data that was not audited", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { data = NONE } }))))
  end)

  it("is scale-free: a sound case", function()
    assert(cases.invariant(id, cases.wine()))
  end)
end)
