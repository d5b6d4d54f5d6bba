-- causes: lr_zero_or_schedule_collapsed | also: lr_too_low | source: own
-- the rate is halved every step instead of every epoch
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local fixed, seed = tools.words(arg)

local train, val, model, loss = tools.numbers(seed)
local opt = ld.optim.adam { model, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 12 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
    if not fixed then opt.lr = opt.lr * 0.5 end
  end
  if fixed and epoch > 6 then opt.lr = opt.lr * 0.5 end
end
tools.answer(watch, l)
