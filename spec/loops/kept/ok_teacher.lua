-- causes: none | also:  | source: own
-- another network helps, and learns first
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local _, seed = tools.words(arg)

local train, val, model, loss = tools.classes(seed)
local opt = ld.optim.sgd { model, lr = 0.05 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
local teacher = tools.network(seed + 5)
local its = ld.optim.adam { teacher, lr = 0.01 }
for epoch = 1, 6 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    local t = loss(teacher(x, { training = true }), y)
    its:zero_grad(); t:backward(); its:step()
  end
end
for epoch = 1, 12 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    local soft = ld.no_grad(function() return teacher(x):softmax(2) end)
    local scores = model(x, { training = true })
    l = loss(scores, y):add(soft:mul(scores:log_softmax(2)):sum(2):neg():mean()):mul(0.5)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
