local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

-- The table itself has a spec of its own (46_heads_spec); this one is about what the rule says.
describe("rule loss_activation_mismatch", function()
  local id = "loss_activation_mismatch"

  local function fires(class, cause, case)
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.same({ class, cause }, { f.class, f.cause })
    return f
  end

  it("fires: a relu under cross-entropy", function()
    local f = fires("exact", "wrong_output_activation", cases.network(cases.wine_raw(), {
      cases.dense(1, 32, 13, "relu"), cases.dense(2, 3, 32, "relu") }))
    assert.same({ output = { activation = "softmax" } }, f.fixes[1].patch)
  end)

  it("fires: real targets under cross-entropy, with one patch for both", function()
    local f = fires("exact", "wrong_loss", with(faulty.diabetes_raw(), { description = { loss = {
      name = "binary_crossentropy" } } }))
    assert.same("mse", f.fixes[#f.fixes].patch.loss.name)
    assert.is_nil(f.fixes[#f.fixes].patch.loss.from_logits)
  end)

  it("fires: softmax for labels that do not exclude each other", function()
    fires("exact", "wrong_loss", with(cases.wine(), { description = {
      task = { kind = "multilabel" }, loss = { name = "categorical_crossentropy" } },
      signals = { data = { y = { kind = "zero_one", width = 3, max = 1 } } } }))
  end)

  it("suggests: squared error on classes, which works", function()
    fires("suggestive", "wrong_loss", with(cases.wine(), { description = { loss = {
      name = "mse" } }, signals = { data = { y = { kind = "one_hot", width = 3, max = 1 } } } }))
  end)

  it("suggests: a relu for real targets, whose unit may die", function()
    fires("suggestive", "wrong_output_activation", cases.network(with(cases.regression(), {
      signals = { data = { y = { min = 0, max = 5 } } } }), { cases.dense(1, 1, 10, "relu") }))
  end)

  it("is silent: what belongs together", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
    assert.equal("passes", (cases.run(id, cases.regression())))
    local case = cases.network(with(cases.wine(), { description = { task = { kind = "binary" },
      loss = { name = "binary_crossentropy" } }, signals = { data = { y = { kind = "zero_one",
        max = 1, classes = 2 } } } }), { cases.dense(1, 1, 13, "sigmoid") })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("does not apply: a loss of one's own", function()
    assert.equal("skipped", (cases.run(id, with(cases.wine(), { description = { loss = {
      name = "custom" } } }))))
  end)

  it("cannot tell: squared error on targets that nobody saw", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { description = { task = NONE,
      loss = { name = "mse" } }, signals = { data = NONE } }))))
  end)
end)
