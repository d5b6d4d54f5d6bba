-- causes: misaligned_labels | also: unnormalised_inputs | source: own
-- columns are swapped with rows by a reshape instead of a transpose
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local fixed, seed = tools.words(arg)

local train, val = tools.curve(480, 100 + seed), tools.curve(240, 900 + seed)
local model = nn.sequential { nn.dense { 32, "relu" }, nn.dense { 1 } }
  :build({ 6 }, { seed = seed })
local loss = ld.loss.mse()
local opt = ld.optim.adam { model, lr = 0.01 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
for epoch = 1, 15 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    local columns = x:transpose():contiguous() -- as a loader has them: [6, rows]
    x = fixed and columns:transpose():contiguous() or columns:reshape { #y, 6 }
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
