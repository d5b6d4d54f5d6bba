local cases = require "spec.support.cases"

describe("rule batch_of_one", function()
  local id = "batch_of_one"

  local function run(share, shape, trainable)
    local normal = cases.layer("batch_norm")
    normal.input_shape, normal.trainable = shape or { 8 }, trainable ~= false
    local layers = { cases.dense(1, 8, 13), normal, cases.dense(3, 3, 8) }
    local case = cases.network(cases.wine(), layers)
    case.signals.loop = { passes = { training = 10, single_row = share } }
    return cases.run(id, case)
  end

  it("fires: half of the batches have one row", function()
    local state, f = run(5)
    assert.equal("fires", state)
    assert.equal("exact", f.class)
    assert.equal("lost", f.part)
    assert.equal("bad_batch_size", f.cause)
  end)

  it("is silent: fewer", function() assert.equal("passes", (run(4))) end)

  it("does not apply: images have positions", function()
    assert.equal("skipped", (run(10, { 4, 4, 8 })))
  end)

  it("does not apply: frozen layers", function()
    assert.equal("skipped", (run(10, { 8 }, false)))
  end)

  it("cannot tell: an experiment", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
