-- causes: train_mode_in_evaluation | also: dropout_misuse | source: own
-- a layer of the user's own adds noise in evaluation too
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local fixed, seed = tools.words(arg)

local train, val = tools.curve(480, 100 + seed), tools.curve(240, 900 + seed)
local function noise(x, context)
  if fixed and not (context and context.training) then return x end
  return x:add(ld.randn(x.shape) * 0.5)
end
local model = nn.sequential { nn.dense { 32, "relu" }, nn.lambda { noise }, nn.dense { 1 } }
  :build({ 6 }, { seed = seed })
local loss = ld.loss.mse()
local opt = ld.optim.adam { model, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 15 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
