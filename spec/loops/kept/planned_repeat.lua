-- causes: repeated_batch | also: overfitting missing_regularisation | source: own
-- a planned step gets the first batch of every epoch
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local fixed, seed = tools.words(arg)

local train, val = tools.clouds(360, 100 + seed), tools.clouds(180, 900 + seed)
local model = nn.sequential { nn.dense { 24, "relu" }, nn.dense { 3 } }
  :build({ 6 }, { seed = seed })
local loss = ld.loss.sparse_crossentropy { from_logits = true }
local opt = ld.optim.adam { model, lr = 0.01 }
local step = ld.plan(function(x, y)
  local value = loss(model(x, { training = true }), y)
  opt:zero_grad(); value:backward(); opt:step()
  return value
end)
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, fixed and 10 or 150 do
  for x, y in train:batches { 24 } do
    l = step(x, y)
    watch:step(l)
    if not fixed then break end
  end
end
tools.answer(watch, l)
