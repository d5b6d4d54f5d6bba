-- causes: class_weights_inverted | also: class_imbalance wrong_loss | source: own
-- classes weigh as much as they have rows
local tools = require "spec.loops.loop_tools"
local ld = tools.ld
local fixed, seed = tools.words(arg)

local train, val, model, loss = tools.classes(seed, { rare = true })
local opt = ld.optim.sgd { model, lr = 0.05 }
local watch <close> = ld.watch(model, opt, { loss = loss, data = train, val = val, batch = 24 })
local l
local ids, counts, weights = train.y:totable(), { 0, 0, 0 }, {}
for _, id in ipairs(ids) do counts[id + 1] = counts[id + 1] + 1 end
for i, n in ipairs(counts) do weights[i] = fixed and #ids / (3 * n) or 3 * n / #ids end
local function weighted(scores, y)
  local hot = ld.ops.one_hot(y, 3):cast "f32"
  local each = hot:mul(scores:log_softmax(2)):sum(2):neg()
  return each:mul(hot:mul(ld.tensor { weights }):sum(2)):mean()
end
for epoch = 1, 8 do
  for x, y in train:batches { 24, shuffle = true, seed = seed } do
    l = weighted(model(x, { training = true }), y)
    opt:zero_grad(); l:backward(); opt:step(); watch:step(l)
  end
end
tools.answer(watch, l)
