-- causes: step_seldom_called | also: too_few_epochs lr_too_low | source: own
-- the step stands behind the loop over the batches
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local fixed, seed = tools.words(arg)

local train, val = tools.curve(480, 100 + seed), tools.curve(240, 900 + seed)
local model = nn.sequential { nn.dense { 32, "relu" }, nn.dense { 1 } }
  :build({ 6 }, { seed = seed })
local loss = ld.loss.mse()
local opt = ld.optim.sgd { model, lr = 0.02 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 20 do
  opt:zero_grad()
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    if fixed then opt:zero_grad() end
    l = loss(model(x, { training = true }), y)
    l:div(fixed and 1 or 20):backward()
    if fixed then opt:step() end
    watch:step(l)
  end
  if not fixed then opt:step() end
end
tools.answer(watch, l)
