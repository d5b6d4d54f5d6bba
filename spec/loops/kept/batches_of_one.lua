-- causes: batch_of_one | also: bad_batch_size still_statistics | source: own
-- batch normalisation over single rows
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local fixed, seed = tools.words(arg)

local layers = { nn.dense { 24 }, nn.batch_norm(), nn.activation "relu", nn.dense { 3 } }
local train, val, model, loss = tools.classes(seed, { layers = layers })
local opt = ld.optim.sgd { model, lr = 0.05 }
local batch = fixed and 24 or 1
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = batch })
local l
for epoch = 1, fixed and 12 or 2 do
  for x, y in train:batches { batch, shuffle = true, seed = seed } do
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
