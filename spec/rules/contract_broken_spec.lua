local cases = require "spec.support.cases"
local with = cases.with

describe("rule contract_broken", function()
  local function run(broken, outside, loop)
    return cases.run("contract_broken", with(cases.wine(), { signals = {
      contracts = broken and { broken = broken }, outside = outside, loop = loop } }))
  end

  local frozen = { id = "frozen_stay", step = 3, last = 7, count = 4, layer = "dense_1",
    line = "train.lua:8", text = "dense_1/kernel is frozen and has changed",
    says = "frozen weights keep their bits", cause = "weights_changed_outside", fix = "find who" }

  it("fires: with contract, step, layer and line", function()
    local state, f = run { frozen }
    assert.equal("fires", state)
    assert.same({ "exact", "weights_changed_outside", "dense_1", 3, "train.lua:8" },
      { f.class, f.cause, f.where.layer, f.where.step, f.where.source })
    assert.matches("keep their bits: dense_1/kernel is frozen", f.title, 1, true)
    assert.is_nil(f.part)
  end)

  it("says what was lost where that was measured", function()
    local _, f = run({ frozen }, { gain = 0.21 })
    assert.equal("lost", f.part)
  end)

  it("fires: a contract of a user's own", function()
    local state, f = run { { id = "mine", step = 1, last = 1, count = 1, says = "norms are 1",
      fix = "see the contract" } }
    assert.equal("fires", state)
    assert.equal("norms are 1: broken", f.title)
  end)

  it("is silent: what another rule tells, who knows more", function()
    local cleared = { { id = "gradients_cleared", step = 2, last = 2, count = 1, says = "s",
      fix = "f" } }
    assert.equal("passes", (run(cleared, nil, {})))
    assert.equal("fires", (run(cleared))) -- that rule reads watches alone
    cleared[1].id = "labels_cover"
    assert.equal("passes", (run(cleared)))
    assert.equal("passes", (run {}))
  end)

  it("cannot tell: nobody looked on", function()
    assert.equal("unjudged", (run(nil)))
  end)
end)
