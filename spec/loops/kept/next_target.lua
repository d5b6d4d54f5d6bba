-- causes: misaligned_labels | also: uninformative_labels | source: own
-- targets are those of the next row
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local fixed, seed = tools.words(arg)

local train, val, model, loss = tools.numbers(seed)
local opt = ld.optim.adam { model, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 12 do
  for i = 1, 455, 24 do
    local k = fixed and i or i + 1
    l = loss(model(train.x:slice(1, i, i + 23), { training = true }), train.y:slice(1, k, k + 23))
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
