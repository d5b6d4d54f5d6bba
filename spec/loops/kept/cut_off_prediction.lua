-- causes: loss_ignores_prediction | also: over_regularisation | source: own
-- the loss gets the prediction without its history; only a penalty has a gradient
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local fixed, seed = tools.words(arg)

local train, val = tools.clouds(360, 100 + seed), tools.clouds(180, 900 + seed)
local model = nn.sequential { nn.dense { 24, "relu" }, nn.dense { 3 } }
  :build({ 6 }, { seed = seed })
local loss = ld.loss.sparse_crossentropy { from_logits = true }
local opt = ld.optim.adam { model, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 15 do
  for x, y in train:batches { 24, shuffle = true, seed = seed + epoch } do
    local out, penalty = model(x, { training = true }), nil
    for _, weights in model:parameters() do
      local term = weights:square():sum():mul(fixed and 1e-5 or 1e-2)
      penalty = penalty and penalty:add(term) or term
    end
    l = loss(fixed and out or out:detach(), y):add(penalty)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
