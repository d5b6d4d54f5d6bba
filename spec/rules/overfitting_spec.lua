local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule overfit", function()
  local id = "overfitting"

  it("fires: a validation loss that turns, as a warning", function()
    local case = with(cases.wine(), { signals = { val_loss = { 1, 0.6, 0.5, 0.45, 0.47, 0.5,
      0.55, 0.58, 0.63, 0.7, 0.74, 0.8 },
      epoch_loss = cases.curve(12, 1, 0.02) } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("overfitting", f.cause)
  end)

  it("fires: one that ends worse than a constant answer", function()
    local case = with(with(cases.wine(), { signals = { val_loss = { 1, 0.6, 0.5, 0.45, 0.47, 0.5,
      0.55, 0.58, 0.63, 0.7, 0.74, 0.8 },
      epoch_loss = cases.curve(12, 1, 0.02) } }), { signals = {
      val_skill = { value = -0.4, verdict = "worse" }, val_accuracy = 0.4 } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("overfitting", f.cause)
  end)

  it("suggests: a rise under one half, which hurts no answer yet", function()
    local function rising(last)
      return with(cases.wine(), { signals = { val_loss = { 1, 0.6, 0.5, 0.45, 0.47, 0.5, 0.53, 0.56,
        0.58, 0.6, 0.62, last }, epoch_loss = cases.curve(12, 1, 0.02) } })
    end
    local _, f = cases.run(id, rising(0.67))
    assert.equal("suggestive", f.class)
    _, f = cases.run(id, rising(0.68))
    assert.equal("measured", f.class)
  end)

  it("is silent: both falling", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: noise about a level", function()
    local case = with(cases.wine(), { signals = { val_loss = { 1, 0.6, 0.5, 0.45, 0.52, 0.46,
      0.53, 0.45, 0.52, 0.47 } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: a single epoch", function()
    assert.equal("unjudged", (cases.run(id, cases.short())))
  end)

  it("cannot tell: no validation", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = {
      val_loss = NONE } }))))
  end)

  it("is scale-free: a validation loss that turns", function()
    assert(cases.invariant(id, with(cases.wine(), { signals = { val_loss = { 1, 0.6, 0.5, 0.45,
      0.47, 0.5, 0.55, 0.58, 0.63, 0.7, 0.74, 0.8 },
      epoch_loss = cases.curve(12, 1, 0.02) } })))
  end)
end)
