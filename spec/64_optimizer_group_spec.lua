-- Parameter groups: rates and options of their own.
package.path = "./spec/support/?.lua;" .. package.path
local ld = require "lossdbg"
local checks = require "optimizer_checks"

local fails, weight = checks.fails, checks.weight

describe("parameter groups", function()
  local nn = ld.nn

  it("have rates and decays of their own: w - lr g - lr wd w", function()
    local a, b = weight { 2 }, weight { 2 }
    local opt = ld.optim.sgd { {
      { parameters = a, lr = .5, weight_decay = .1 }, { parameters = { b } },
    }, lr = .1 }
    a.grad, b.grad = ld.tensor({ 1 }, "f64"), ld.tensor({ 1 }, "f64")
    opt:step()
    assert.near(2 - .5 - .5 * .1 * 2, a[1], 1e-15)
    assert.near(2 - .1, b[1], 1e-15)
    opt.lr = .05 -- half the rate for all
    a.grad, b.grad = ld.tensor({ 1 }, "f64"), ld.tensor({ 1 }, "f64")
    opt:step()
    assert.near(1.4 - .25 - .25 * .1 * 1.4, a[1], 1e-15)
    assert.near(1.9 - .05, b[1], 1e-15)
  end)

  it("may differ in every option of the rule", function()
    local a, b = weight { 0 }, weight { 0 }
    local opt = ld.optim.sgd { { { parameters = { a }, momentum = .5 }, { parameters = { b } } },
      lr = 1 }
    for _ = 1, 2 do
      a.grad, b.grad = ld.tensor({ 1 }, "f64"), ld.tensor({ 1 }, "f64")
      opt:step()
    end
    assert.equal(-2.5, a[1])
    assert.equal(-2, b[1])
  end)

  it("are named by layer, weight or kind of weight, in experiments too", function()
    local model = nn.sequential { nn.dense { 2, name = "first" }, nn.dense { 1, name = "last" } }
      :build { 3 }
    local function rates(groups)
      local opt, found = ld.optim.sgd { model, lr = 1, groups = groups }, {}
      for _, entry in ipairs(opt.list) do found[#found + 1] = entry.lr or 1 end
      return found
    end
    assert.same({ .1, .1, 1, 1 }, rates { { parameters = "first", lr = .1 } })
    assert.same({ 1, 1, .1, 1 }, rates { { parameters = "last/kernel", lr = .1 } })
    assert.same({ .5, .1, .5, .1 },
      rates { { parameters = "bias", lr = .1 }, { parameters = { "first", "last" }, lr = .5 } })
    local run = ld.experiment { train = { ld.randn { 8, 3 }, ld.randn { 8, 1 } }, loss = "mse",
      model = nn.sequential { nn.dense { 2, name = "first" }, nn.dense { 1, name = "last" } },
      optimizer = ld.optim.adam { groups = { { parameters = "first", lr = 0 } } }, epochs = 2,
    }:fit { verbose = 0 }
    assert.equal(1, run.signals.layers.first.unchanged)
    assert.equal(0, run.signals.layers.last.unchanged)
    assert.same({ { parameters = "first", lr = 0 } }, run.description.optimizer.groups)
  end)

  it("take layers", function()
    local model = nn.sequential { nn.dense { 2, name = "first" }, nn.dense { 1, name = "last" } }
      :build { 3 }
    local opt = ld.optim.adam { { { parameters = model:layer "first" },
      { parameters = model:layer "last", lr = 1 } } }
    assert.equal(4, #opt.list)
    assert.equal("last/kernel", opt.list[3].name)
    assert.equal(1, opt.list[3].lr)
    assert.is_nil(opt.list[1].lr)
  end)

  it("are checked", function()
    local w = weight { 1 }
    fails("did you mean 'momentum'", ld.optim.sgd,
      { { { parameters = w, momentun = .9 } }, lr = 1 })
    fails("no parameter is called \"firts\"", ld.optim.sgd,
      { { { name = "first", tensor = w } }, groups = { { parameters = "firts" } } })
    fails("'lr': expected a number >= 0", ld.optim.sgd,
      { groups = { { parameters = "a", lr = -1 } } })
    fails("groups { parameters = ... } throughout", ld.optim.sgd, { { { parameters = w }, { 1 } } })
  end)
end)
