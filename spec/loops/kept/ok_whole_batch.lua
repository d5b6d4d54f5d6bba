-- causes: none | also:  | source: own
-- SOUND: every step sees all rows
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local _, seed = tools.words(arg)

local train, val = tools.clouds(360, 100 + seed), tools.clouds(180, 900 + seed)
local model = nn.sequential { nn.dense { 24, "relu" }, nn.dense { 3 } }
  :build({ 6 }, { seed = seed })
local loss = ld.loss.sparse_crossentropy { from_logits = true }
local opt = ld.optim.adam { model, lr = 0.02 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for _ = 1, 150 do
  l = loss(model(train.x, { training = true }), train.y)
  opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
end
tools.answer(watch, l)
