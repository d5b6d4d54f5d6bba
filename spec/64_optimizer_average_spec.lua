-- Running averages of the weights.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local checks = require "optimizer_checks"

local weight = checks.weight

describe("averaged weights", function()
  it("become the weights at the end of a fit", function()
    local last
    local run = ld.experiment { train = { ld.ones { 4, 1 }, ld.ones { 4, 1 } }, loss = "mse",
      model = ld.nn.sequential { ld.nn.dense { 1, bias = false } }, epochs = 3, batch = 4,
      optimizer = ld.optim.sgd { lr = .1, use_ema = true, ema_momentum = .5 }, dtype = "f64" }
      :fit { verbose = 0, on_step = function(ctx)
        local w = ctx.model[1].weights.kernel:item()
        last = last and .5 * last + .5 * w or w -- the first step starts the average
      end }
    assert.near(last, run.model[1].weights.kernel:item(), 1e-14)
  end)

  it("can be looked at in between", function()
    local w = weight { 1 }
    local opt = ld.optim.sgd { { w }, lr = 1, use_ema = true, ema_momentum = .75 }
    for _ = 1, 2 do
      w.grad = ld.tensor({ 1 }, "f64")
      opt:step()
    end
    assert.equal(-1, w[1])
    assert.equal(.75 * 0 + .25 * -1, opt:swap_average() and w[1])
    assert.equal(-1, opt:swap_average() and w[1])
  end)
end)
