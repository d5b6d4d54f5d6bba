local cases = require "spec.support.cases"
local with, NONE = cases.with, cases.NONE

describe("rule activation_gain_bad", function()
  local id = "activation_gain_bad"

  it("fires: signals that shrink tenfold per layer in a failed run", function()
    local case = (function(shrink, base)
      local layers, stats = {}, {}
      for i = 1, 6 do
        layers[i] = cases.dense(i, 32, 32, "tanh")
        stats["dense_" .. i] = { z_mean_sq = shrink ^ (i - 1), weight_rms = 0.2 }
      end
      layers[7] = cases.dense(7, 3, 32, "softmax")
      return cases.network(with(base, { signals = { init = { layers = stats } } }), layers)
    end)(0.1, cases.wine_raw())
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("bad_init_scale", f.cause)
  end)

  it("fires: the same where it learns, as a remark", function()
    local case = (function(shrink, base)
      local layers, stats = {}, {}
      for i = 1, 6 do
        layers[i] = cases.dense(i, 32, 32, "tanh")
        stats["dense_" .. i] = { z_mean_sq = shrink ^ (i - 1), weight_rms = 0.2 }
      end
      layers[7] = cases.dense(7, 3, 32, "softmax")
      return cases.network(with(base, { signals = { init = { layers = stats } } }), layers)
    end)(0.1, cases.wine())
    local state, f = cases.run(id, case)
    assert.equal("fires", state)
    assert.equal("measured", f.class)
    assert.equal("bad_init_scale", f.cause)
  end)

  it("is silent: signals that keep their size", function()
    local case = (function(shrink, base)
      local layers, stats = {}, {}
      for i = 1, 6 do
        layers[i] = cases.dense(i, 32, 32, "tanh")
        stats["dense_" .. i] = { z_mean_sq = shrink ^ (i - 1), weight_rms = 0.2 }
      end
      layers[7] = cases.dense(7, 3, 32, "softmax")
      return cases.network(with(base, { signals = { init = { layers = stats } } }), layers)
    end)(0.9, cases.wine_raw())
    assert.equal("passes", (cases.run(id, case)))
  end)

  it("does not apply: a shallow network", function()
    assert.equal("skipped", (cases.run(id, cases.wine())))
  end)

  it("cannot tell: activations that were not measured", function()
    assert.equal("unjudged", (cases.run(id, with(cases.wine(), { signals = { init = NONE } }))))
  end)
end)
