local cases = require "spec.support.cases"
local with = cases.with

describe("rule train_eval_inconsistent", function()
  local id = "train_eval_inconsistent"

  it("fires: a loss three times as large in evaluation mode", function()
    local case = with(cases.wine(), { signals = { final = { train_mode_loss = 0.2,
      loss = 0.9 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("dropout_misuse", f.cause)
  end)

  it("is silent: dropout, which costs in training mode", function()
    local case = with(cases.wine(), { signals = { final = { train_mode_loss = 0.5 } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: one mode only", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)

  it("is scale-free: a loss three times as large", function()
    assert(cases.invariant(id, with(cases.wine(), { signals = { final = { train_mode_loss = 0.2,
      loss = 0.9 } } })))
  end)
end)
