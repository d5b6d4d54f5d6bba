-- causes: unshuffled_data | also:  | source: own
-- rows come class by class
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local fixed, seed = tools.words(arg)

local train, val, model, loss = tools.classes(seed)
local opt = ld.optim.sgd { model, lr = 0.5 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
local rows, labels, k = {}, {}, 0
local xs, ys = train.x:totable(), train.y:totable()
for class = 0, 2 do
  for i, id in ipairs(ys) do
    if id == class then k = k + 1 rows[k], labels[k] = xs[i], id end
  end
end
local sorted = ld.data.arrays { ld.tensor(rows), ld.tensor(labels, "i32") }
for epoch = 1, 6 do
  for x, y in (fixed and train or sorted):batches { 24, shuffle = fixed, seed = seed } do
    l = loss(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
