local cases = require "spec.support.cases"
local with = cases.with

local function binary(metrics, loss, activation)
  local case = cases.network(with(cases.wine(), { description = { task = { kind = "binary" },
    loss = { name = "binary_crossentropy", from_logits = loss == "logits" } },
    signals = { data = { y = { kind = "zero_one", max = 1, classes = 2 } } } }),
    { cases.dense(1, 1, 13, activation) })
  case.description.metrics = metrics
  return case
end

describe("rule wrong_metric", function()
  local id = "wrong_metric"
  local half = { { name = "binary_accuracy", threshold = 0.5 } }

  it("fires: scores cut at one half", function()
    local state, f = cases.run(id, binary(half, "logits"))
    assert.same({ "fires", "wrong_metric", "exact" }, { state, f.cause, f.class })
  end)

  it("is silent: probabilities, a threshold of 0, a metric that knows of logits", function()
    assert.equal("skipped", (cases.run(id, binary(half, "probabilities", "sigmoid"))))
    assert.equal("passes", (cases.run(id, binary({ { name = "binary_accuracy", threshold = 0 } },
      "logits"))))
    assert.equal("passes", (cases.run(id, binary({ "accuracy" }, "logits"))))
  end)

  it("cannot tell: no metric is known", function()
    assert.equal("unjudged", (cases.run(id, cases.wine())))
  end)
end)
