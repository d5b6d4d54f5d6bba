local cases = require "spec.support.cases"
local with = cases.with

local function split(share, classes)
  return with(cases.wine(), { signals = { data = { val = { unseen = { share = share,
    classes = classes or 1 } } } } })
end

describe("rule unseen_validation_classes", function()
  local id = "unseen_validation_classes"

  it("fires: a class that training never saw", function()
    local state, f = cases.run(id, split(1))
    assert.same({ "fires", "unshuffled_data", "exact" }, { state, f.cause, f.class })
  end)

  it("fires just above and is silent just below a tenth of the rows", function()
    assert.equal("fires", (cases.run(id, split(0.11))))
    assert.equal("passes", (cases.run(id, split(0.09))))
    assert.equal("passes", (cases.run(id, split(0, 0))))
  end)

  it("cannot tell: no validation classes", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
