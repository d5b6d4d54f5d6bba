-- causes: none | also:  | source: own
-- rows that are still wrong weigh more
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local _, seed = tools.words(arg)

local train, val, model, loss = tools.classes(seed)
local opt = ld.optim.sgd { model, lr = 0.05 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 12 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    local logs = model(x, { training = true }):log_softmax(2)
    local each = ld.ops.one_hot(y, 3):cast("f32"):mul(logs):sum(2):neg()
    l = each:mul(each:detach():add(0.1)):mean()
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
