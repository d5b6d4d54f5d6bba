-- causes: none | also:  | source: own
-- SOUND: a teacher beside the model, and a loss of two terms
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local _, seed = tools.words(arg)

local train, val = tools.clouds(360, 100 + seed), tools.clouds(180, 900 + seed)
local model = nn.sequential { nn.dense { 24, "relu" }, nn.dense { 3 } }
  :build({ 6 }, { seed = seed })
local loss = ld.loss.sparse_crossentropy { from_logits = true }
local teacher = nn.sequential { nn.dense { 24, "relu" }, nn.dense { 3 } }
  :build({ 6 }, { seed = 9 })
local opt, other = ld.optim.adam { model, lr = 0.01 }, ld.optim.adam { teacher, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 15 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    local wise = loss(teacher(x, { training = true }), y)
    other:zero_grad(); wise:backward(); other:step()
    local soft = ld.no_grad(function() return teacher(x):softmax(-1) end)
    local out = model(x, { training = true })
    l = loss(out, y):add(out:softmax(-1):sub(soft):square():mean())
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
