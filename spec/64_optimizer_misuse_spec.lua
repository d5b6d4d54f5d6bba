-- What optimisers and the core's rules say of wrong arguments, and do with a NaN.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local checks = require "optimizer_checks"

local fails, weight = checks.fails, checks.weight

describe("misuse", function()
  local cases = {
    { "only PyTorch has it", function() ld.optim.radam { flavor = "keras" } end },
    { "only Keras has it", function() ld.optim.lion { flavor = "torch" } end },
    { "did you mean 'beta1'", function() ld.optim.nadam { beta11 = .5 } end },
    { "'beta2': expected a number >= 0 and < 1", function() ld.optim.lamb { beta2 = 1 } end },
    { "'gradient_accumulation_steps': expected an integer >= 2",
      function() ld.optim.sgd { gradient_accumulation_steps = 1 } end },
    { "use_ema = true", function() ld.optim.sgd { ema_overwrite_frequency = 3 } end },
    { "'decoupled_weight_decay'",
      function() ld.optim.adafactor { decoupled_weight_decay = false } end },
    { "did you mean 'adafactor'", function() ld.optim.resolve "adafacter" end },
    { "'beta2_decay': expected a number <= 0",
      function() ld.optim.adafactor { beta2_decay = .8 } end },
  }
  for _, case in ipairs(cases) do
    it("says " .. case[1], function() fails(case[1], case[2]) end)
  end

  it("of the core's rules raises and writes nothing", function()
    local train, w = require("lossdbg.core").train, ld.tensor({ { 1, 2 }, { 3, 4 } }, "f64")
    local g, m = ld.ones({ 2, 2 }, "f64"), ld.zeros({ 2, 2 }, "f64")
    local v, row = ld.zeros({ 2, 2 }, "f64"), ld.zeros({ 2 }, "f64")
    fails("'m': shares memory", train.lion, w, g, { m = w }, .1)
    fails("'step': expected 1 or more", train.adamax, w, g, { m = m, u = v }, .1, {}, 0)
    fails("'rho': expected a number >= 0.0 and < 1.0, got 1.0", train.adadelta, w, g,
      { square = m, delta = v }, .1, { rho = 1 })
    fails("'column': expected 2 elements, got 4", train.adafactor, w, g,
      { row = row, column = m, v = v }, .1)
    fails("'column': shares memory", train.adafactor, w, g, { row = row, column = row, v = v }, .1)
    fails("'flavor': only Keras has it", train.lion, w, g, { m = m }, .1, { flavor = "torch" })
    fails("'decoupled_weight_decay': expected true", train.lamb, w, g, { m = m, v = v }, .1,
      { decoupled_weight_decay = false })
    fails("'lr_decay': expected 0 unless flavor is 'torch'", train.adagrad, w, g, { square = m },
      .1, { lr_decay = .1 })
    assert.same({ { 1, 2 }, { 3, 4 } }, w:totable())
    assert.same({ { 0, 0 }, { 0, 0 } }, m:totable())
  end)

  it("leaves a NaN in the gradient to be seen in weights and statistics", function()
    for _, name in ipairs { "adadelta", "adamax", "nadam", "radam", "lion", "lamb", "adafactor" } do
      local w = weight { 1, 2 }
      local opt = ld.optim[name] { { w } }
      w.grad = ld.tensor({ 0 / 0, 1 }, "f64")
      opt:step()
      assert.is_true(w[1] ~= w[1], name)
      assert.equal(1, opt.stats.parameter_1.nonfinite_grad)
      assert.is_true(opt.stats.parameter_1.nonfinite_weight >= 1)
    end
  end)
end)
