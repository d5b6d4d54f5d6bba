-- causes: shape_broadcast | also: wrong_loss | source: own
-- a loss of one line subtracts [n] from [n, 1]
local tools = require "spec.loops.loop_tools"
local ld, nn = tools.ld, tools.nn
local fixed, seed = tools.words(arg)

local train, val = tools.curve(480, 100 + seed), tools.curve(240, 900 + seed)
local function flat(set) return set:map(function(x, y) return x, y:reshape { -1 } end) end
train, val = flat(train), flat(val)
local model = nn.sequential { nn.dense { 32, "relu" }, nn.dense { 1 } }
  :build({ 6 }, { seed = seed })
local function loss(p, y)
  if fixed then p = p:reshape { -1 } end
  return p:sub(y):square():mean()
end
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
