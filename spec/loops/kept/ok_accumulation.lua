-- causes: none | also:  | source: own
-- SOUND: four micro-batches to an update, divided by four
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local _, seed = tools.words(arg)

local train, val = tools.clouds(360, 100 + seed), tools.clouds(180, 900 + seed)
local model = nn.sequential { nn.dense { 24, "relu" }, nn.dense { 3 } }
  :build({ 6 }, { seed = seed })
local loss = ld.loss.sparse_crossentropy { from_logits = true }
local opt = ld.optim.adam { model, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 40 do
  local count = 0
  for x, y in train:batches { 6, shuffle = true, seed = seed } do
    l = loss(model(x, { training = true }), y)
    l:div(4):backward()
    count = count + 1
    if count % 4 == 0 then opt:step(); opt:zero_grad() end
    watch:step(l)
  end
end
tools.answer(watch, l)
