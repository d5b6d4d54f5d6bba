-- causes: shape_broadcast | also: wrong_loss | source: own
-- the loss flattens the targets, and not the predictions
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local fixed, seed = tools.words(arg)

local train, val, model = tools.numbers(seed)
local function loss(p, y) return p:sub(fixed and y or y:reshape { -1 }):square():mean() end
local opt = ld.optim.adam { model, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 12 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
