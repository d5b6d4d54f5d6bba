-- causes: none | also:  | source: own
-- SOUND: weights are held in a range after each step
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local _, seed = tools.words(arg)

local train, val = tools.curve(480, 100 + seed), tools.curve(240, 900 + seed)
local model = nn.sequential { nn.dense { 32, "relu" }, nn.dense { 1 } }
  :build({ 6 }, { seed = seed })
local loss = ld.loss.mse()
local opt = ld.optim.adam { model, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 20 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
    for _, tensor in model:parameters() do tensor:detach():copy_(tensor:detach():clip(-2, 2)) end
  end
end
tools.answer(watch, l)
