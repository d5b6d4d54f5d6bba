-- causes: warmup_too_long | also: lr_too_low too_few_epochs | source: own
-- a warm-up of twenty epochs, counted as if epochs were steps
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local fixed, seed = tools.words(arg)

local train, val, model, loss = tools.numbers(seed)
local opt = ld.optim.adam { model, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
local n = 0
for epoch = 1, 12 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    n = n + 1
    opt.lr = 0.01 * math.min(1, n / (fixed and 20 or 20 * 2000))
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
