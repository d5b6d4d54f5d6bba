-- causes: several_backwards | also: missing_zero_grad lr_too_high | source: own
-- the same batch goes backward six times before a step
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local fixed, seed = tools.words(arg)

local train, val, model, loss = tools.numbers(seed)
local opt = ld.optim.sgd { model, lr = 0.15 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 8 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    opt:zero_grad()
    for _ = 1, fixed and 1 or 6 do
      l = loss(model(x, { training = true }), y)
      l:backward()
    end
    opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
