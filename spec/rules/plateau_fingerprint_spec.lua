local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule plateau_fingerprint", function()
  local id = "plateau_fingerprint"

  it("fires: the entropy of the classes", function()
    local state, f = cases.run(id, cases.wine_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.is_nil(f.cause)
  end)

  it("fires: ln K without knowing the classes", function()
    local case = with(faulty.zero_features(), { signals = { baseline = NONE, trend = {
      last = 1.0986, best = 1.098 },
      final = { level = 1.0986, loss = 1.0986 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.is_nil(f.cause)
  end)

  it("fires: the floor of two softmaxes, ln(1 + 2/e) = 0.5515", function()
    local case = with(cases.wine(), { description = { loss = { from_logits = true } },
      signals = { trend = { verdict = "plateau",
      first = 0.5518, last = 0.5515, best = 0.5514 }, final = { level = 0.5515 }, skill = {
        value = 0.493 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("double_softmax", f.cause)
  end)

  it("is silent: a level that is no constant", function()
    local case = with(faulty.mnist_raw(), { signals = { trend = { last = 2.262 } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a falling loss", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: an undecided trend", function()
    local case = with(cases.wine(), { signals = { trend = { verdict = "undetermined" },
      skill = NONE, baseline = NONE } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)
end)
