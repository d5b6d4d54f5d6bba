-- causes: none | also:  | source: own
-- SOUND: a second model is trained against outputs of the first, which is trained against it
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local _, seed = tools.words(arg)

local train, val = tools.clouds(360, 100 + seed), tools.clouds(180, 900 + seed)
local model = nn.sequential { nn.dense { 24, "relu" }, nn.dense { 3 } }
  :build({ 6 }, { seed = seed })
local loss = ld.loss.sparse_crossentropy { from_logits = true }
local opt = ld.optim.adam { model, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local judge = nn.sequential { nn.dense { 16, "relu" }, nn.dense { 1 } }:build({ 3 }, { seed = 4 })
local other = ld.optim.adam { judge, lr = 0.002 }
local l
for epoch = 1, 15 do
  for x, y in train:batches { 24, shuffle = true, seed = seed + epoch } do
    local out = model(x, { training = true })
    local own = judge(out:detach(), { training = true }):square():mean()
    other:zero_grad(); own:backward(); other:step()
    l = loss(out, y):add(judge(out):mean():mul(1e-3))
    other:zero_grad()
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
