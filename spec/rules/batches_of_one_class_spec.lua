local cases = require "spec.support.cases"
local with = cases.with

describe("rule batches_of_one_class", function()
  local function run(rows, majority, outside)
    return cases.run("batches_of_one_class", with(cases.wine(), { signals = {
      majority = majority or 0.4, outside = outside,
      loop = { rows = { class_looks = rows[1], one_class = rows[2], batch = rows[3] or 32 } } } }))
  end

  it("fires: batches in the order of the labels", function()
    local state, f = run { 8, 1 }
    assert.same({ "fires", "measured", "unshuffled_data" }, { state, f.class, f.cause })
  end)

  it("is silent: where one class is nearly all there is", function()
    assert.equal("passes", (run({ 8, 1 }, 0.9)))
    assert.equal("fires", (run({ 8, 1 }, 0.85)))
    assert.equal("passes", (run { 8, 1, 4 })) -- four rows of one class are no wonder
  end)

  it("cannot tell: three batches", function()
    assert.equal("unjudged", (run { 3, 1 }))
  end)
end)
