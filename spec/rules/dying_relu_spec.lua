local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule dying_relu", function()
  local id = "dying_relu"

  it("fires: a layer with all units dead", function()
    local state, f = cases.run(id, cases.wine_raw())
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("dying_relu", f.cause)
  end)

  it("fires: 95 % in a run that hardly learns", function()
    local state, f = cases.run(id, faulty.mnist_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("dying_relu", f.cause)
  end)

  it("fires: 75 % in a run that learns, as a warning", function()
    local state, f = cases.run(id, faulty.digits_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("dying_relu", f.cause)
  end)

  it("is silent: 16 % in a slow run", function()
    assert.equal("passes", (cases.run(id, faulty.sonar_slow())))
  end)

  it("is silent: sparse activations with every unit alive", function()
    assert.equal("passes", (cases.run(id, cases.mnist())))
  end)

  it("does not apply: sigmoid units", function()
    assert.equal("skipped", (cases.run(id, faulty.sigmoid_raw())))
  end)

  it("cannot tell: activations that were not measured", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { final = NONE } }))))
  end)

  it("is scale-free: dead units", function()
    assert(cases.invariant(id, cases.wine_raw()))
  end)
end)
