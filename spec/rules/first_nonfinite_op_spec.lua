local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule first_nonfinite_op", function()
  local id = "first_nonfinite_op"

  it("fires: a logarithm", function()
    local case = with(faulty.diabetes_raw_y(), { signals = { nonfinite = { op = "log",
      line = "train.lua:12" } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("log_of_zero", f.cause)
  end)

  it("fires: a product, as a symptom", function()
    local state, f = cases.run(id, faulty.diabetes_raw_y())
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.is_nil(f.cause)
  end)

  it("cannot tell: an operation that was not recorded", function()
    local case = with(faulty.diabetes_raw_y(), { signals = { nonfinite = { op = NONE } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("passes a finite run", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)
end)
