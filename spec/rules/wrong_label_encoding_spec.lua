local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule wrong_label_encoding", function()
  local id = "wrong_label_encoding"

  it("fires: ids 1 to K", function()
    local case = with(cases.wine(), { signals = { data = { y = { min = 1, max = 3,
      out_of_range = { count = 48, row = 2, value = 3 } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("wrong_label_encoding", f.cause)
  end)

  it("fires: fractional ids", function()
    local case = with(cases.wine(), { signals = { data = { y = { integral = false,
      kind = "real" } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("wrong_label_encoding", f.cause)
  end)

  it("fires: targets of a binary cross-entropy to 255", function()
    local case = with(cases.wine(), { description = { loss = { name = "binary_crossentropy" } },
      signals = { data = { y = { min = 0, max = 255 } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("wrong_label_encoding", f.cause)
  end)

  it("fires: 0/1 labels under a hinge loss in a failed run", function()
    local case = with(cases.wine_raw(), { description = { loss = { name = "hinge" } },
      signals = { data = { y = { kind = "zero_one" } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("wrong_label_encoding", f.cause)
  end)

  it("is silent: ids 0 to K-1", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: ids beyond a head that is too narrow, which is the fault of the head", function()
    local case = with(cases.wine(), { signals = { data = { y = { max = 4, classes = 5 } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: data that was not audited", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { data = NONE } }))))
  end)
end)
