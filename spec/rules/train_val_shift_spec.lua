local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule train_val_shift", function()
  local id = "train_val_shift"

  it("fires: validation scaled differently and useless", function()
    local case = with(cases.wine(), { signals = { data = { val = { mean_shift = 9,
      sd_ratio_bad_share = 1 } },
      val_skill = { value = -3, verdict = "worse" } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("inconsistent_test_preprocessing", f.cause)
  end)

  it("fires: a drifting series that is predicted well, as a warning", function()
    local case = with(cases.wine(), { signals = { data = { val = { mean_shift = 4,
      sd_ratio_bad_share = 0.2 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("inconsistent_test_preprocessing", f.cause)
  end)

  it("is silent: an honest split", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a shift within the noise of 36 rows", function()
    local case = with(cases.wine(), { signals = { data = { val = { mean_shift = 1.05 } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: five validation rows", function()
    local case = with(cases.wine(), { signals = { data = { val = { n = 5 } } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("cannot tell: no validation rows", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { data = {
      val = NONE } } }))))
  end)
end)
