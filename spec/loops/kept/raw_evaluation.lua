-- causes: inconsistent_test_preprocessing | also:  | source: own
-- held-out rows are evaluated as they come from the sensor
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local fixed, seed = tools.words(arg)

local train, val, model, loss = tools.classes(seed)
local opt = ld.optim.sgd { model, lr = 0.05 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
local function raw(x) return x:mul(25):add(40) end
for epoch = 1, 12 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
  ld.no_grad(function() return loss(model(fixed and val.x or raw(val.x)), val.y) end)
end
tools.answer(watch, l)
