-- causes: none | also:  | source: own
-- an average of the weights is evaluated in place of them, and they come back
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local _, seed = tools.words(arg)

local train, val, model, loss = tools.numbers(seed)
local opt = ld.optim.adam { model, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
local average = {}
for name, t in model:parameters() do average[name] = t:detach():clone() end
local function swap()
  for name, t in model:parameters() do
    local kept = t:detach():clone()
    t:copy_(average[name])
    average[name]:copy_(kept)
  end
end
for epoch = 1, 12 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
    for name, t in model:parameters() do average[name]:mul_(0.9):add_(t:detach():mul(0.1)) end
  end
  ld.no_grad(function()
    swap()
    loss(model(val.x), val.y)
    swap()
  end)
end
tools.answer(watch, l)
