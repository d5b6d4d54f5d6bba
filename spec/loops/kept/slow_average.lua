-- causes: ema_not_caught_up | also: batchnorm_statistics_lag | source: own
-- a copy of the model follows the weights too slowly and is evaluated
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local fixed, seed = tools.words(arg)

local train, val = tools.curve(480, 100 + seed), tools.curve(240, 900 + seed)
local model = nn.sequential { nn.dense { 32, "relu" }, nn.dense { 1 } }
  :build({ 6 }, { seed = seed })
local loss = ld.loss.mse()
local opt = ld.optim.adam { model, lr = 0.01 }
local average, keep = model:clone(), fixed and 0.9 or 0.9999
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 15 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
    local ours = {}
    for name, tensor in model:parameters() do ours[name] = tensor:detach() end
    for name, tensor in average:parameters() do
      tensor:detach():mul_(keep):add_(ours[name], 1 - keep)
    end
  end
end
average:predict(val.x)
model:load_state(average:state()) -- what is kept of the training
tools.answer(watch, l)
