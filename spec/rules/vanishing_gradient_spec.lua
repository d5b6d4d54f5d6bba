local cases = require "spec.support.cases"
local faulty = require "spec.support.faulty_cases"
local with, NONE = cases.with, cases.NONE

describe("rule vanishing_gradient", function()
  local id = "vanishing_gradient"

  it("fires: gradients that fall tenfold per layer in a failed run", function()
    local case = (function(ratio, base)
      local layers, stats, init = {}, {}, {}
      for i = 1, 6 do
        local path = "dense_" .. i
        layers[i] = cases.dense(i, 16, 16, i < 6 and "sigmoid" or "softmax")
        stats[path] = { grad_rms_median = 0.01 * ratio ^ (6 - i), zero_grad = 0, unchanged = 0,
          grad_norm = { 1 }, ratio_median = 1e-3 }
        init[path] = { weight_rms = 0.2 }
      end
      return cases.network(with(base, { signals = { layers = stats, init = {
        layers = init } } }), layers)
    end)(0.1, faulty.zero_lr())
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("vanishing_gradient", f.cause)
  end)

  it("is silent: the same where it learns", function()
    local case = (function(ratio, base)
      local layers, stats, init = {}, {}, {}
      for i = 1, 6 do
        local path = "dense_" .. i
        layers[i] = cases.dense(i, 16, 16, i < 6 and "sigmoid" or "softmax")
        stats[path] = { grad_rms_median = 0.01 * ratio ^ (6 - i), zero_grad = 0, unchanged = 0,
          grad_norm = { 1 }, ratio_median = 1e-3 }
        init[path] = { weight_rms = 0.2 }
      end
      return cases.network(with(base, { signals = { layers = stats, init = {
        layers = init } } }), layers)
    end)(0.1, cases.wine())
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("is silent: gradients of one size", function()
    local case = (function(ratio, base)
      local layers, stats, init = {}, {}, {}
      for i = 1, 6 do
        local path = "dense_" .. i
        layers[i] = cases.dense(i, 16, 16, i < 6 and "sigmoid" or "softmax")
        stats[path] = { grad_rms_median = 0.01 * ratio ^ (6 - i), zero_grad = 0, unchanged = 0,
          grad_norm = { 1 }, ratio_median = 1e-3 }
        init[path] = { weight_rms = 0.2 }
      end
      return cases.network(with(base, { signals = { layers = stats, init = {
        layers = init } } }), layers)
    end)(0.9, faulty.zero_lr())
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("does not apply: a shallow network", function()
    assert.equal("skipped", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: gradients that were not measured", function()
    local case = with((function(ratio, base)
      local layers, stats, init = {}, {}, {}
      for i = 1, 6 do
        local path = "dense_" .. i
        layers[i] = cases.dense(i, 16, 16, i < 6 and "sigmoid" or "softmax")
        stats[path] = { grad_rms_median = 0.01 * ratio ^ (6 - i), zero_grad = 0, unchanged = 0,
          grad_norm = { 1 }, ratio_median = 1e-3 }
        init[path] = { weight_rms = 0.2 }
      end
      return cases.network(with(base, { signals = { layers = stats, init = {
        layers = init } } }), layers)
    end)(0.1, faulty.zero_lr()), { signals = { layers = NONE } })
    assert.equal("unjudged", (cases.run(id, case)))
  end)

  it("is scale-free: gradients that fall", function()
    assert(cases.invariant(id, (function(ratio, base)
      local layers, stats, init = {}, {}, {}
      for i = 1, 6 do
        local path = "dense_" .. i
        layers[i] = cases.dense(i, 16, 16, i < 6 and "sigmoid" or "softmax")
        stats[path] = { grad_rms_median = 0.01 * ratio ^ (6 - i), zero_grad = 0, unchanged = 0,
          grad_norm = { 1 }, ratio_median = 1e-3 }
        init[path] = { weight_rms = 0.2 }
      end
      return cases.network(with(base, { signals = { layers = stats, init = {
        layers = init } } }), layers)
    end)(0.1, faulty.zero_lr())))
  end)
end)
