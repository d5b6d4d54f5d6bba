-- causes: none | also:  | source: own
-- the first layer waits for two epochs
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local _, seed = tools.words(arg)

local train, val, model, loss = tools.classes(seed)
local opt = ld.optim.sgd { model, lr = 0.05 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 12 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward()
    for name, t in model:parameters() do
      if epoch < 3 and name:find "dense_1" then t.grad:mul_(0) end
    end
    opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
