local cases = require "spec.support.cases"

local function network(rate, width)
  return cases.network(cases.wine_raw(), { cases.dense(1, width, 13, "relu"),
    { path = "dropout_1", kind = "dropout", options = { rate = rate }, trainable = true,
      input_shape = { width }, output_shape = { width }, n_parameters = 0 },
    cases.dense(2, 3, width, "softmax") })
end

describe("rule dropout_on_narrow_layer", function()
  local id = "dropout_on_narrow_layer"

  it("fires: half of two units", function()
    local state, f = cases.run(id, network(0.5, 2))
    assert.same({ "fires", "dropout_misuse", "exact" }, { state, f.cause, f.class })
    assert.same({ remove = { path = "dropout_1" } }, f.fixes[1].patch)
  end)

  it("fires just above and is silent just below one row in twenty", function()
    assert.equal("fires", (cases.run(id, network(0.5, 4)))) -- 1 / 16
    assert.equal("passes", (cases.run(id, network(0.5, 5)))) -- 1 / 32
    assert.equal("fires", (cases.run(id, network(0.23, 2)))) -- 0.0529
    assert.equal("passes", (cases.run(id, network(0.22, 2)))) -- 0.0484
  end)

  it("is silent: wide layers, and dropout of nothing", function()
    assert.equal("passes", (cases.run(id, network(0.5, 64))))
    assert.equal("passes", (cases.run(id, network(0, 1))))
    assert.equal("passes", (cases.run(id, cases.wine())))
  end)
end)
