-- causes: misaligned_labels | also: wrong_label_encoding | source: own
-- the targets of a batch are those of the rows one place further
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
  ld.seed(seed * 50 + epoch)
  local order = train:shuffle(seed * 50 + epoch)
  for at = 1, 336, 24 do
    local x = order.x:slice(1, at, at + 23):contiguous()
    local from = fixed and at or at + 1
    local y = order.y:slice(1, from, from + 23):contiguous()
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
