-- causes: parameters_not_in_optimizer | also: frozen_parameters weights_unchanged | source: own
-- the list for the optimiser has one tensor of four
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local fixed, seed = tools.words(arg)

local train, val, model, loss = tools.classes(seed)
local held = {}
for name, t in model:parameters() do
  if fixed or name == "dense_2/bias" then held[#held + 1] = t end
end
local opt = ld.optim.sgd { held, lr = 0.05 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 12 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
