local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with = cases.with

describe("rule progress_rate_too_low", function()
  local id = "progress_rate_too_low"

  it("fires: 0.776 to 0.677 in 60 epochs", function()
    local state, f = cases.run(id, faulty.sonar_slow())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_low", f.cause)
  end)

  it("counts the steps of a loop that tells no epochs", function()
    local case = with(faulty.sonar_slow(), { description = { epochs = cases.NONE },
      signals = { epoch_loss = cases.NONE, steps = 420 } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.matches(" in 420 steps, halving", f.title)
    assert.equal("train for ten times as many steps", f.fixes[#f.fixes].text)
    assert.is_nil(f.fixes[#f.fixes].patch)
  end)

  it("is silent: a fast fall", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a plateau", function()
    assert.equal("passes", (cases.run(id, cases.wine_raw())))
  end)

  it("cannot tell: a falling loss of few steps", function()
    local case = with(faulty.sonar_slow(), { signals = { steps = 60, epoch_loss = { 0.776, 0.75,
      0.74 } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("cannot tell: five steps", function()
    assert.equal("unjudged", (cases.run(id, cases.short())))
  end)

  it("is scale-free: a slow fall", function()
    assert(cases.invariant(id, faulty.sonar_slow()))
  end)
end)
