-- causes: shape_broadcast | also: wrong_loss | source: own
-- no loss object: [n, 1] minus [n] is squared by hand
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local fixed, seed = tools.words(arg)

local train, val = tools.curve(480, 100 + seed), tools.curve(240, 900 + seed)
local model = nn.sequential { nn.dense { 24, "relu" }, nn.dense { 1 } }
  :build({ 6 }, { seed = seed })
local loss = ld.loss.mse()
local opt = ld.optim.adam { model, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 15 do
  for x, y in train:batches { 24, shuffle = true, seed = seed + epoch } do
    local p = model(x, { training = true })
    l = p:sub(fixed and y or y:reshape { -1 }):square():mean()
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
