local cases = require "spec.support.cases"
local with = cases.with

describe("rule gradient_sign_flipped", function()
  local id = "gradient_sign_flipped"

  it("fires: a small step that raises the loss in every probe", function()
    local case = with(cases.wine_raw(), { signals = { layers = { dense_2 = {
      ratio_median = 1e-3 }, dense_3 = { ratio_median = 1e-3 } },
      tests = { line = { best = cases.flat(3, 0), losses = { { 1, 1.01, 1.02, 1.04, 1.1, 1.2 },
      { 1, 1.01, 1.02, 1.04, 1.1, 1.2 }, { 1, 1.01, 1.02, 1.04, 1.1, 1.2 } } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("gradient_sign_flipped", f.cause)
  end)

  it("fires: a negative rate", function()
    local case = with(cases.wine(), { description = { optimizer = { lr = -0.1 } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("gradient_sign_flipped", f.cause)
  end)

  it("fires: a loop that turns the gradient round", function()
    local case = with(cases.wine(), { signals = { loop = { relation = {}, broken = { {
      id = "gradient_sign", step = 1, count = 8 } } } } })
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
  end)

  it("fires: minus the named loss in three looks", function()
    local case = with(cases.wine(), { signals = { loop = { relation = { negative = 3 } } } })
    assert.equal("fires", (cases.run(id, case)))
  end)

  it("cannot tell: two looks, or some with the loss itself", function()
    for _, relation in ipairs { { negative = 2 }, { negative = 3, same = 1 } } do
      local case = with(cases.wine(), { signals = { loop = { relation = relation } } })
      assert.equal("unjudged", (cases.run(id, case)))
    end
  end)

  it("cannot tell: a large step that raises the loss", function()
    local case = with(cases.wine_raw(), { signals = { layers = { dense_2 = {
      ratio_median = 0.5 } }, tests = { line = {
      best = cases.flat(3, 0), losses = { { 1, 1.2, 1.5, 3, 9, 40 }, { 1, 1.2, 1.5, 3, 9, 40 }, {
        1, 1.2, 1.5, 3, 9, 40 } } } } } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("cannot tell: no probes", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
