local cases = require "spec.support.cases"
local with = cases.with

describe("rule state_over_shuffled_rows", function()
  local function run(rows)
    local broken = { { id = "state_follows_rows", step = 2, last = 9, count = 4, layer = "lstm_1",
      line = "train.lua:9" } }
    return cases.run("state_over_shuffled_rows", with(cases.wine(), { signals = {
      loop = { rows = rows, broken = broken } } }))
  end

  it("fires: hardly a batch follows the one before", function()
    local state, f = run { jumps = 0.9 }
    assert.equal("fires", state)
    assert.same({ "exact", "state_over_shuffled_rows", "lstm_1", 2, "train.lua:9" },
      { f.class, f.cause, f.where.layer, f.where.step, f.where.source })
  end)

  it("is silent: rows in their order, but for the first batches of epochs", function()
    assert.equal("passes", (run { jumps = 0.2 }))
  end)

  it("cannot tell: no state is carried", function()
    assert.equal("unjudged", (run {}))
  end)
end)
