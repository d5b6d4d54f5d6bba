local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule init_loss_unexpected", function()
  local id = "init_loss_unexpected"

  it("fires: a first loss of 120 for 3 classes", function()
    local state, f = cases.run(id, cases.wine_raw())
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("bad_init_scale", f.cause)
  end)

  it("fires: a first loss far below the entropy, as a remark", function()
    local state, f = cases.run(id, with(cases.wine(), { signals = { init = { loss = 0.2 } } }))
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.is_nil(f.cause)
  end)

  it("is silent: about ln 3 with what he initialisation costs", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a regression from zero", function()
    assert.equal("passes", (cases.run(id, cases.regression())))
  end)

  it("cannot tell: a first loss that was not measured", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { init = NONE } }))))
  end)

  it("cannot tell: a first loss of NaN", function()
    local case = with(cases.wine(), { signals = { init = { loss = 0 / 0 } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)
end)
