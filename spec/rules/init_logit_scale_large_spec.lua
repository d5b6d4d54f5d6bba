local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule init_logit_scale_large", function()
  local id = "init_logit_scale_large"

  it("fires: logits of 160 in a failed run", function()
    local state, f = cases.run(id, cases.wine_raw())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("bad_init_scale", f.cause)
  end)

  it("fires: logits of 5 where it learns, as a remark", function()
    local case = with(cases.wine(), { signals = { init = { logit_std = 5 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("bad_init_scale", f.cause)
  end)

  it("is silent: logits of 0.8", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: logits that were not measured", function()
    local case = with(cases.wine(), { signals = { init = { logit_std = NONE } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("cannot tell: logits that are not finite", function()
    local case = with(cases.wine(), { signals = { init = { logit_std = 0 / 0 } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)
end)
