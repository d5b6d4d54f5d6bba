-- causes: class_ignored_by_loss | also: class_imbalance wrong_loss | source: own
-- the mask that leaves padding out leaves class 0 out
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local fixed, seed = tools.words(arg)

local train, val, model, loss = tools.classes(seed)
local opt = ld.optim.sgd { model, lr = 0.05 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
local function masked(scores, y)
  local kept = fixed and ld.ones { y.numel } or y:ne(0):cast "f32"
  return ld.ops.one_hot(y, 3):cast("f32"):mul(scores:log_softmax(2)):sum(2):mul(kept):neg():mean()
end
for epoch = 1, 12 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    l = masked(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
