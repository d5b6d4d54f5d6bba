-- causes: ema_not_caught_up | also: batchnorm_statistics_lag | source: own
-- a copy of the model follows it too slowly, and is what the loop evaluates
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local fixed, seed = tools.words(arg)

local train, val = tools.clouds(360, 100 + seed), tools.clouds(180, 900 + seed)
local model = nn.sequential { nn.dense { 24, "relu" }, nn.dense { 3 } }
  :build({ 6 }, { seed = seed })
local loss = ld.loss.sparse_crossentropy { from_logits = true }
local opt = ld.optim.adam { model, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local copy, decay = model:clone(), fixed and 0.8 or 0.9999
local ours = {}
for name, weights in model:parameters() do ours[name] = weights end
local l
for epoch = 1, 15 do
  for x, y in train:batches { 24, shuffle = true, seed = seed + epoch } do
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
    ld.no_grad(function()
      for name, weights in copy:parameters() do
        weights:mul_(decay):add_(ours[name]:detach(), 1 - decay)
      end
      if opt.iterations % 15 == 0 then loss(copy(val.x), val.y) end
    end)
  end
end
tools.answer(watch, l)
