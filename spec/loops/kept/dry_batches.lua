-- causes: data_exhausted | also: too_few_epochs repeated_batch | source: own
-- batches are made once, before all epochs
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local fixed, seed = tools.words(arg)

local train, val, model, loss = tools.classes(seed)
local opt = ld.optim.sgd { model, lr = 0.005 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
local batches = train:batches { 24, shuffle = true, seed = seed }
for epoch = 1, 20 do
  if fixed then batches = train:batches { 24, shuffle = true, seed = seed + epoch } end
  for x, y in batches do
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
