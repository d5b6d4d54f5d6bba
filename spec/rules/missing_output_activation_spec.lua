local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule missing_output_activation", function()
  local id = "missing_output_activation"

  it("fires: a linear output in a failed run", function()
    local case = cases.network(with(cases.wine_raw(), { signals = { init = { output = { min = -4,
      max = 5,
      row_sum_min = -3, row_sum_max = 6 } } } }), { cases.dense(1, 3, 13) })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("missing_output_activation", f.cause)
  end)

  it("fires: the same where it learns, as a warning", function()
    local case = cases.network(with(cases.wine(), { signals = { init = { output = { min = -4,
      max = 5,
      row_sum_min = -3, row_sum_max = 6 } } } }), { cases.dense(1, 3, 13) })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("missing_output_activation", f.cause)
  end)

  it("is silent: a softmax output", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: probabilities made by a lambda", function()
    local case = cases.network(cases.wine(), { cases.dense(1, 3, 13), cases.layer("lambda") })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a loss on logits", function()
    local case = with(cases.wine(), { description = { loss = { from_logits = true } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a regression", function()
    assert.equal("passes", (cases.run(id, cases.regression())))
  end)

  it("cannot tell: an unknown loss", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = {
      loss = NONE } }))))
  end)
end)
