local cases = require "spec.support.cases"
local with = cases.with

local function batches(batch, rows, steps)
  return with(cases.wine(), { description = { batch = batch, n_train = rows },
    signals = { steps = steps } })
end

describe("rule batch_size", function()
  local id = "batch_size"

  it("fires: so large a batch that little is left to do", function()
    local state, f = cases.run(id, batches(128, 500, 80))
    assert.same({ "fires", "bad_batch_size", "measured" }, { state, f.cause, f.class })
    assert.same({ batch = 16, max_steps = false }, f.fixes[1].patch)
  end)

  it("fires just above and is silent just below its limits", function()
    assert.equal("fires", (cases.run(id, batches(64, 1000, 499))))
    assert.equal("passes", (cases.run(id, batches(63, 900, 499))))
    assert.equal("passes", (cases.run(id, batches(64, 1024, 499)))) -- 16 updates an epoch
    assert.equal("passes", (cases.run(id, batches(64, 1000, 500))))
  end)

  it("is a smell where training fails, which few updates do not explain", function()
    local _, f = cases.run(id, with(cases.wine_raw(), { description = { batch = 128,
      n_train = 500 }, signals = { steps = 80 } }))
    assert.equal("suggestive", f.class)
  end)

  it("fires: one row a step, where there are many", function()
    local _, f = cases.run(id, batches(1, 64, 640))
    assert.same({ batch = 32 }, f.fixes[1].patch)
    assert.equal("passes", (cases.run(id, batches(1, 63, 640))))
    assert.equal("passes", (cases.run(id, batches(2, 640, 640))))
  end)
end)
