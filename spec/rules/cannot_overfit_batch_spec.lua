local cases = require "spec.support.cases"
local with = cases.with

describe("rule cannot_overfit_batch", function()
  local id = "cannot_overfit_batch"

  it("fires: 16 rows that cannot be memorised", function()
    local case = with(cases.wine_raw(), { signals = { tests = { overfit_batch = { passed = false,
      skill = 0.1, steps = 500,
      at_lr = { ["0.1"] = 0.2, ["1"] = 0.1, ["10"] = 0 } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("too_few_units", f.cause)
  end)

  it("fires: 16 rows that a tenth of the rate memorises", function()
    local case = with(cases.wine_raw(), { signals = { tests = { overfit_batch = { passed = false,
      skill = 0.1, steps = 500,
      at_lr = { ["0.1"] = 0.99, ["1"] = 0.1, ["10"] = 0 } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_high", f.cause)
  end)

  it("is silent: rows that are memorised", function()
    local case = with(cases.wine(), { signals = { tests = { overfit_batch = { passed = true,
      skill = 0.99 } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: no test", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
