local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule targets_unrelated", function()
  local id = "targets_unrelated"

  it("fires: a memorised training set with validation at chance", function()
    local state, f = cases.run(id, faulty.permuted())
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("misaligned_labels", f.cause)
  end)

  it("fires: shuffled inputs that train as well", function()
    local case = with(faulty.permuted(), { signals = { val_skill = NONE, val_loss = NONE,
      tests = {
      data_independence = { real = 0.19, shuffled = 0.18, independent = true },
      overfit_batch = { passed = true } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("misaligned_labels", f.cause)
  end)

  it("is a measurement where the shuffled inputs train hardly at all", function()
    local _, f = cases.run(id, with(faulty.permuted(), { signals = { val_skill = NONE,
      val_loss = NONE, tests = { data_independence = { real = 0.11, shuffled = 0.09,
        independent = true }, overfit_batch = { passed = true } } } }))
    assert.equal("measured", f.class)
  end)

  it("is silent: validation that follows", function()
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)

  it("is silent: overfitting after a good start", function()
    local case = with(faulty.permuted(), { signals = { val_loss = { 1.2, 0.6, 0.5, 0.9, 1.3 } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: a slow run, whatever the shuffled one does", function()
    local case = with(faulty.sonar_slow(), { signals = { tests = {
      data_independence = { real = 0.02, shuffled = 0.01, independent = true },
      overfit_batch = { passed = true } } } })
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("cannot tell: neither validation nor test", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = {
      val_skill = NONE } }))))
  end)

  it("is scale-free: permuted labels", function()
    assert(cases.invariant(id, faulty.permuted()))
  end)
end)
