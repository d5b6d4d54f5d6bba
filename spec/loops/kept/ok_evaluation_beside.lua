-- causes: none | also:  | source: own
-- SOUND: the held-out rows are evaluated in every step, without no_grad; layers thaw on the way
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local _, seed = tools.words(arg)

local train, val = tools.clouds(360, 100 + seed), tools.clouds(180, 900 + seed)
local model = nn.sequential { nn.dense { 24, "relu" }, nn.dense { 3 } }
  :build({ 6 }, { seed = seed })
local loss = ld.loss.sparse_crossentropy { from_logits = true }
local opt = ld.optim.adam { model, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local step = 0
model:freeze "dense_1"
local l
for epoch = 1, 15 do
  for x, y in train:batches { 24, shuffle = true, seed = seed + epoch } do
    step = step + 1
    if step == 60 then model:unfreeze() end
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
    loss(model(val.x), val.y):item()
  end
end
tools.answer(watch, l)
