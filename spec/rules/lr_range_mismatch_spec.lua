local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with = cases.with

describe("rule lr_range_mismatch", function()
  local id = "lr_range_mismatch"

  it("fires: a rate 100 times the suggestion in a failed run", function()
    local case = with(cases.wine_raw(), { signals = { tests = { lr_range = { suggestion = 1e-3,
      fall_sd = 9 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_high", f.cause)
  end)

  it("fires: a rate 100 times too small in a slow run", function()
    local case = with(faulty.sonar_slow(), { signals = { tests = { lr_range = { suggestion = 0.1,
      fall_sd = 9 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_low", f.cause)
  end)

  it("fires: the same where it learns, as a remark", function()
    local case = with(cases.wine(), { signals = { tests = { lr_range = { suggestion = 1e-3,
      fall_sd = 9 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("lr_too_high", f.cause)
  end)

  it("is silent: a rate within a decade", function()
    local case = with(cases.wine(), { signals = { tests = { lr_range = { suggestion = 0.05,
      fall_sd = 9 } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: a sweep that hardly falls", function()
    local case = with(cases.wine(), { signals = { tests = { lr_range = { suggestion = 1e-3,
      fall_sd = 2 } } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("cannot tell: no sweep", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)

  it("is scale-free: a rate 100 times the suggestion", function()
    assert(cases.invariant(id, with(cases.wine_raw(), { signals = { tests = { lr_range = {
      suggestion = 1e-3, fall_sd = 9 } } } })))
  end)
end)
