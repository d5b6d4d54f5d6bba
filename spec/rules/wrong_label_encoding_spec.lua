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
    local last = f.evidence[#f.evidence]
    assert.same({ 48, "the first is 3 in row 2" }, { last.value, last.note })
  end)

  it("fires: fractional ids", function()
    local case = with(cases.wine(), { signals = { data = { y = { integral = false,
      kind = "real" } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("wrong_label_encoding", f.cause)
  end)

  it("fires: -1 and 1 under a binary cross-entropy", function()
    local case = cases.network(with(cases.wine(), { description = { task = { kind = "binary" },
      loss = { name = "binary_crossentropy" } }, signals = { data = { y = { kind =
        "plus_minus_one", min = -1, max = 1, classes = 2 } } } }),
      { cases.dense(1, 1, 13, "sigmoid") })
    local state, f = cases.run(id, case)
    assert.same({ "fires", "exact", "wrong_label_encoding" }, { state, f.class, f.cause })
    assert.same({ labels = "zero_one" }, f.fixes[1].patch)
  end)

  it("fires: rows of shares that do not add up to 1", function()
    local state, f = cases.run(id, with(cases.wine(), { description = { loss = {
      name = "categorical_crossentropy" } }, signals = { data = { y = { kind = "one_hot",
        width = 3, max = 1, row_sum_bad = 4 } } } }))
    assert.same({ "fires", "measured", "wrong_label_encoding" }, { state, f.class, f.cause })
  end)

  it("is silent: 0/1 labels under a hinge loss, which takes both codes", function()
    local case = cases.network(with(cases.wine_raw(), { description = { task = { kind = "binary" },
      loss = { name = "hinge" } }, signals = { data = { y = { kind = "zero_one", max = 1,
        classes = 2 } } } }), { cases.dense(1, 1, 13) })
    assert.equal("passes", (cases.run(id, case)))
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
