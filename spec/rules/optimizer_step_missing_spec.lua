local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule optimizer_step_missing", function()
  local id = "optimizer_step_missing"

  it("fires: gradients without a step", function()
    local case = with(cases.wine_raw(), { signals = { layers = { dense_2 = { unchanged = 1,
      zero_grad = 0 },
      dense_3 = { unchanged = 1 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("parameters_not_in_optimizer", f.cause)
  end)

  it("fires: an optimiser that holds nothing", function()
    local case = (function()
      local case = cases.wine_raw()
      case.signals.layers = {}
      return case
    end)()
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("parameters_not_in_optimizer", f.cause)
  end)

  it("is silent: a rate of zero, which is the reason", function()
    assert.equal("passes", (cases.run(id, faulty.zero_lr())))
  end)

  it("is silent: steps that are taken", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a perfectly fitted network", function()
    assert.equal("passes", (cases.run(id, cases.perfect())))
  end)

  it("cannot tell: updates that were not measured", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { layers = NONE } }))))
  end)
end)
