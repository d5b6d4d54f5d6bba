-- causes: softmax_wrong_axis | also: wrong_output_activation | source: own
-- the softmax of the loop runs over the rows of the batch
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local fixed, seed = tools.words(arg)

local train, val, model, loss = tools.classes(seed, { from_logits = false })
local opt = ld.optim.sgd { model, lr = 0.05 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 12 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    l = loss(model(x, { training = true }):softmax(fixed and 2 or 1), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
