-- Between its looks a watch sleeps: what happens in every step is not told, what is rare is, and
-- what can be counted without being told is counted.
local ld = require "lossdbg"
local look = require "lossdbg.experiment.watch.look"
local nn = ld.nn
local observers = require "lossdbg.support.observers"

local function loop(steps, at)
  ld.seed(1)
  local x, y = ld.randn { 64, 4 }, ld.randn { 64, 1 }
  local model = nn.sequential { nn.dense { 4, "relu" }, nn.dense { 1 } }:build({ 4 }, { seed = 1 })
  local opt, loss = ld.optim.adam { model, lr = 0.01 }, ld.loss.mse()
  local watch = ld.watch(model, opt, { loss = loss, data = { x, y } })
  for step = 1, steps do
    local l = loss(model(x, { training = true }), y)
    opt:zero_grad()
    l:backward()
    opt:step()
    watch:step(l)
    if at then at(step, watch, model, opt) end
  end
  return watch
end

describe("a watch", function()
  it("is awake in the first steps, at its looks and now and then", function()
    local awake = {}
    loop(130, function(step) awake[step + 1] = observers.each end):close()
    for n = 2, 131 do assert.equal(n <= 32 or n % 64 == 0 or look.wanted(n), awake[n], n) end
    assert.is_false(observers.any)
  end)

  it("looks at two successive steps, ever more rarely, for good", function()
    local list = {}
    for n = 1, 4100 do
      if look.wanted(n) then list[#list + 1] = n end
    end
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 16, 17, 32, 33, 64, 65, 256, 257, 1024, 1025, 2048, 2049,
      3072, 3073, 4096, 4097 }, list)
    assert.equal(256, look.wakes(200 + 55))
    assert.equal(128, look.wakes(65))
  end)

  it("counts the steps that it did not see", function()
    local watch = loop(100)
    local signals = watch:run().signals
    assert.same({ 100, 100, 100 }, { signals.loop.backwards, signals.loop.steps, signals.steps })
    assert.equal(100, #signals.loss)
    watch:close()
  end)

  it("hears of what is rare while it sleeps", function()
    local watch = loop(41, function(step, _, model)
      if step == 40 then model:layer("dense_1"):reinitialise(5, 5) end
    end)
    assert.equal("initialised_first", watch:run().signals.contracts.broken[1].id)
    watch:close()
  end)

  it("names the layer of a gradient that is not finite while it sleeps", function()
    local model
    local watch = loop(60, function(step, _, m)
      model = m
      if step == 50 then
        ld.no_grad(function() model:layer("dense_2").weights.bias:mul_(0 / 0) end)
      end
    end)
    assert.same({ 51, "loss" }, { watch.signals.nonfinite.step, watch.signals.nonfinite.what })
    watch:close()
  end)
end)

describe("observers", function()
  it("that sleep are not told what happens in every step", function()
    local heard = {}
    local one = { step = function() heard[#heard + 1] = "step" end,
      drawn = function() heard[#heard + 1] = "drawn" end }
    observers.add(one)
    observers.rest(one, true)
    observers.tell "step"
    observers.tell "drawn"
    observers.rest(one, false)
    observers.tell "step"
    observers.remove(one)
    assert.same({ "drawn", "step" }, heard)
    assert.is_false(observers.each)
  end)
end)
