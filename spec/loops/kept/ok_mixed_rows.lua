-- causes: none | also:  | source: own
-- SOUND: pairs of rows are mixed, and so are their losses
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
for epoch = 1, 15 do
  for x, y in train:batches { 24, shuffle = true, seed = seed + epoch } do
    local out = model(x:mul(0.9):add(x:flip(1):mul(0.1)), { training = true })
    l = loss(out, y):mul(0.9):add(loss(out, y:flip(1)):mul(0.1))
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
