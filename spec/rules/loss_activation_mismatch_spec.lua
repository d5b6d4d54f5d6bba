local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule loss_activation_mismatch", function()
  local id = "loss_activation_mismatch"

  it("fires: a relu under cross-entropy in a failed run", function()
    local case = cases.network(cases.wine_raw(), { cases.dense(1, 32, 13, "relu"), cases.dense(2,
      3, 32, "relu") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("wrong_output_activation", f.cause)
  end)

  it("fires: real targets under cross-entropy", function()
    local case = with(faulty.diabetes_raw(), { description = { loss = {
      name = "binary_crossentropy" } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("wrong_loss", f.cause)
  end)

  it("fires: softmax for labels that do not exclude each other", function()
    local case = with(cases.wine(), { description = { task = { kind = "multilabel" } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("wrong_output_activation", f.cause)
  end)

  it("fires: squared error on classes that learns, as a remark", function()
    local case = with(cases.wine(), { description = { loss = { name = "mse" } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("suggestive", f.class)
    assert.equal("wrong_loss", f.cause)
  end)

  it("fires: sparse cross-entropy over a single sigmoid", function()
    local case = cases.network(with(cases.wine_raw(), { description = { task = {
      kind = "binary" } } }),
      { cases.dense(1, 1, 13, "sigmoid") })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("wrong_loss", f.cause)
  end)

  it("is silent: softmax with cross-entropy", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: a linear output with squared error", function()
    assert.equal("passes", (cases.run(id, cases.regression())))
  end)

  it("is silent: a sigmoid with binary cross-entropy", function()
    local case = cases.network(with(cases.wine(), { description = { task = { kind = "binary" },
      loss = { name = "binary_crossentropy" } } }), { cases.dense(1, 1, 13, "sigmoid") })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: a task nobody told", function()
    local case = with(cases.wine(), { description = { task = NONE }, signals = { data = NONE } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)
end)
