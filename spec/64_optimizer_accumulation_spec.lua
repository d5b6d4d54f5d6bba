-- One update by the mean gradient of several steps.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local checks = require "optimizer_checks"

local flat, compare = checks.flat, checks.compare

describe("accumulated gradients", function()
  local function run(steps, batch)
    local x, y = {}, {}
    for i = 1, 24 do x[i], y[i] = { math.sin(i) }, math.cos(i) end
    return ld.experiment { train = { ld.tensor(x), ld.tensor(y) }, loss = "mse", epochs = 3,
      model = ld.nn.sequential { ld.nn.dense { 4, "tanh" }, ld.nn.dense(1) }, batch = batch,
      shuffle = false, dtype = "f64",
      optimizer = ld.optim.adam { lr = .05, gradient_accumulation_steps = steps },
    }:fit { verbose = 0 }
  end

  it("of four batches move the weights as one batch of all their rows", function()
    local whole, parts = run(nil, 12), run(4, 3)
    local expected, got = {}, {}
    for _, t in whole.model:parameters() do expected[#expected + 1] = { tensor = t } end
    for _, t in parts.model:parameters() do got[#got + 1] = { tensor = t } end
    compare(flat(expected), got, 1e-10, "weights")
  end)

  it("leave no false signs of a standstill in the telemetry", function()
    local signals = run(4, 3).signals
    assert.equal(24, #signals.grad_norm)
    for _, norm in ipairs(signals.grad_norm) do assert.is_true(norm > 0) end
    for _, layer in pairs(signals.layers) do
      assert.equal(0, layer.unchanged)
      assert.equal(0, layer.zero_grad)
      assert.is_true(layer.ratio_median > 0)
      assert.equal(6, #layer.ratio) -- one for each update
    end
  end)
end)
